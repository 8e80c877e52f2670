import { Loader, Text, type TextProps } from '@mantine/core';

const whole = new Intl.NumberFormat();

interface Props extends TextProps {
  value: number | null | undefined;
  /** Whether it is being counted; what was counted before is shown till then. */
  counting?: boolean;
  /** What is counted, for who hears it. */
  of?: string;
}

/** A count as text: `6,456`, `–` where it is not known. */
export const shown = (value: number | null | undefined) => (value == null ? '–' : whole.format(value));

/** A number of customers or rows. */
export function Count({ value, counting = false, of, ...text }: Props) {
  return (
    <Text component="span" {...text} aria-busy={counting} style={{ whiteSpace: 'nowrap' }}>
      {shown(value)}
      {of ? ` ${of}` : null}
      {counting && <Loader size={10} ml={6} role="img" aria-label="counting" />}
    </Text>
  );
}
