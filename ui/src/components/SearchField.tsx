import { TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';

interface Props {
  /** What is searched, in the plural. */
  what: string;
  placeholder: string;
  value: string;
  onChange: (text: string) => void;
}

/** Narrows a list to what is called so. */
export function SearchField({ what, placeholder, value, onChange }: Props) {
  return (
    <TextInput
      aria-label={`Search ${what}`}
      placeholder={placeholder}
      leftSection={<IconSearch size={16} aria-hidden />}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      w={260}
    />
  );
}
