// Who may do what: a viewer looks and cannot change, a session that ends loses nothing, an admin lets others in.
//
// The server has the users `ada`, an admin, and `vera`, a viewer, with one password.
import assert from 'node:assert/strict';
import { logIn, password, tell, url } from './browser.mjs';

await tell('a viewer looked and could not change anything', async ({ page, looked }) => {
  await page.goto(`${url}/campaigns/churn_prevention`);
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  await looked('login');
  await logIn(page, 'vera', 'not the password');
  await page.getByText('The name or the password is not right', { exact: false }).waitFor();
  await looked('login-refused');
  await logIn(page, 'vera');
  // The login leads to the page that was asked for.
  await page.getByText('6,456 customers').waitFor();
  await page.getByText('You look at this, and cannot change it').waitFor();
  assert.equal(await page.getByLabel('Name of the campaign').isDisabled(), true);
  for (const name of ['Publish', 'Run now', 'Test', 'Delivery summary']) {
    assert.equal(await page.getByRole('button', { name }).isDisabled(), true, name);
  }
  await looked('campaign-of-a-viewer');
  const refused = await page.request.post(`${url}/api/v1/campaigns/churn_prevention/run`, { headers: { origin: url } });
  assert.equal(refused.status(), 403);
  await page.getByRole('navigation').getByRole('link', { name: 'Settings', exact: true }).click();
  await page.getByRole('tab', { name: 'Your account' }).click();
  await page.getByText('You are vera, viewer.').waitFor();
  assert.equal(await page.getByRole('tab', { name: 'Users' }).count(), 0);
  await looked('account');
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
}, { unknown: true });

await tell('a session that ended while somebody edited lost nothing', async ({ page, looked }) => {
  await page.goto(`${url}/campaigns`);
  await page.getByRole('button', { name: 'New campaign' }).click();
  const name = `Interrupted ${Date.now()}`;
  await page.getByLabel('Name').fill(name);
  await page.keyboard.press('Enter');
  const title = page.getByLabel('Name of the campaign');
  await title.waitFor();
  await page.context().clearCookies();
  await title.fill(`${name} and back`);
  const dialog = page.getByRole('dialog', { name: 'Log in to go on' });
  await dialog.waitFor();
  await looked('session-over');
  await logIn(page, 'ada');
  await dialog.waitFor({ state: 'hidden' });
  await page.getByText('Saved as a draft').waitFor();
  await page.reload();
  await title.waitFor();
  assert.equal(await title.inputValue(), `${name} and back`);
});

await tell('an admin let somebody in, and a program', async ({ page, looked }) => {
  await page.goto(`${url}/settings/users`);
  const name = `zoe${Date.now()}@example.com`;
  await page.getByRole('button', { name: 'Add user' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill(name);
  await dialog.getByLabel('Role').click();
  await page.getByRole('option', { name: /^Editor/ }).click();
  await dialog.getByLabel(/^Password/).fill(password);
  await looked('add-user');
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  const row = page.getByRole('row', { name: new RegExp(name) });
  await row.getByRole('button', { name: 'Disable' }).click();
  await row.getByText('may not log in').waitFor();
  await looked('users');
  await row.getByRole('button', { name: 'Remove' }).click();
  await page.getByRole('dialog').getByRole('button', { name: /^Remove / }).click();
  await row.waitFor({ state: 'detached' });

  await page.getByRole('tab', { name: 'API tokens' }).click();
  await page.getByRole('button', { name: 'New token' }).first().click();
  await dialog.getByLabel('Name').fill('nightly');
  await looked('new-token');
  await dialog.getByRole('button', { name: 'Make it' }).click();
  const secret = (await dialog.getByLabel('The token').textContent()) ?? '';
  assert.match(secret, /^consign_[0-9a-f]{64}$/);
  await looked('token');
  await dialog.getByRole('button', { name: 'Done' }).click();
  const asked = (token) => fetch(`${url}/api/v1/campaigns`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal((await asked(secret)).status, 200);
  await page.getByRole('row', { name: /nightly/ }).waitFor();
  await looked('tokens');
  await page.getByRole('row', { name: /nightly/ }).getByRole('button', { name: 'Remove' }).click();
  await dialog.getByRole('button', { name: /^Remove / }).click();
  await page.getByText('No token yet').waitFor();
  assert.equal((await asked(secret)).status, 401);
});
