import { Loading } from '../ui/states';

export default function Soon() {
  return <Loading />;
}
