/** A part of all as people read it; never 0 % for some, nor 100 % for not quite all. */
export function share(part: number, all: number): string {
  if (all === 0) {
    return '';
  }
  const percent = (part / all) * 100;
  if (part > 0 && percent < 0.1) {
    return '< 0.1 %';
  }
  return part < all && percent > 99.9 ? '> 99.9 %' : `${percent.toFixed(1)} %`;
}
