export { Count } from './Count';
export { Empty } from './Empty';
export { Failure } from './Failure';
export { Loading } from './Loading';
export { PageHeader } from './PageHeader';
export { ProblemList } from './ProblemList';
export { StatusBadge } from './StatusBadge';
export { When } from './When';
