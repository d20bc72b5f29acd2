import { IconChevronLeft } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import classes from '../ui/RecordPage.module.css';

/** The way from one of a list back to it. */
export const Back = ({ to, label }: { to: string; label: string }) => (
  <Link to={to} className={classes.back} aria-label={label} title={label}><IconChevronLeft size={16} /></Link>
);
