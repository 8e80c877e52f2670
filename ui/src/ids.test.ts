import { describe, expect, it } from 'vitest';

import { freeName, idOf } from './ids';

describe('an id', () => {
  it('is made of a name', () => {
    expect(idOf('Zoë’s newsletter (DE)')).toBe('zoe_s_newsletter_de');
    expect(idOf('  ')).toBe('');
  });
});

describe('a name', () => {
  it('gets a number where another thing has its id', () => {
    expect(freeName('Klaviyo', ['klaviyo', 'klaviyo_2'])).toBe('Klaviyo 3');
    expect(freeName('Criteo', ['klaviyo'])).toBe('Criteo');
  });
});
