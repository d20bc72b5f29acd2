import { Drawer } from '@mantine/core';
import type { ReactNode } from 'react';

interface Props {
  /** What the dialogue is, for those who hear it. */
  label: string;
  opened: boolean;
  onClose(): void;
  size: string;
  padding?: 'sm';
  children: ReactNode;
}

/** A dialogue at the right edge of the window, in parts: the whole `Drawer` would name the box around the dialogue, not the dialogue. */
export function SideDrawer({ label, opened, onClose, size, padding, children }: Props) {
  return (
    <Drawer.Root opened={opened} onClose={onClose} position="right" size={size}>
      <Drawer.Overlay backgroundOpacity={0.3} />
      <Drawer.Content aria-label={label}>
        <Drawer.Body p={padding ?? 0}>{children}</Drawer.Body>
      </Drawer.Content>
    </Drawer.Root>
  );
}
