// Checks that the API refuses invalid tokens and proofs. Run by `cargo test`, or by `node --test`.

import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';

import { calculateJwkThumbprint, createLocalJWKSet, exportJWK, generateKeyPair, SignJWT } from 'jose';

import { Outcomes } from './admin.mjs';
import { Api } from './api.mjs';

const ISSUER = 'https://login.example.com';
const server = createServer();
const outcomes = new Outcomes();
let api, issuerKey, clientKey, clientJwk, jkt, nonce;

before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = await generateKeyPair('ES256');
  const client = await generateKeyPair('ES256');
  issuerKey = issuer.privateKey;
  clientKey = client.privateKey;
  clientJwk = await exportJWK(client.publicKey);
  jkt = await calculateJwkThumbprint(clientJwk);
  const keys = createLocalJWKSet({ keys: [await exportJWK(issuer.publicKey)] });
  const url = `http://127.0.0.1:${server.address().port}`;
  const introspect = async (token) => JSON.parse(token);
  api = new Api({ url, issuer: ISSUER, keys, introspect }, outcomes);
  server.on('request', api.callback());
  nonce = (await bound({ nonce: undefined })).headers.get('dpop-nonce');
});

after(() => server.close());

test('a valid bearer token is accepted', async () => {
  assert.equal((await bearer(await token({}))).status, 200);
});

test('without a token, the challenge lists every scheme', async () => {
  const response = await fetch(`${api.url}/jwt`);
  assert.equal(response.status, 401);
  assert.match(response.headers.get('www-authenticate'), /^Bearer, DPoP algs="/);
});

test('an invalid token is refused', async () => {
  const stranger = await generateKeyPair('ES256');
  const bad = {
    'from another issuer': token({ iss: 'https://evil.example' }),
    'for another API': token({ aud: `${api.url}/opaque` }),
    'that has expired': token({ exp: 1 }),
    'that is not an access token': token({}, { typ: 'JWT' }),
    'signed with another key': token({}, {}, stranger.privateKey),
    'bound to a key': token({ cnf: { jkt } }),
    'bound to a certificate': token({ cnf: { 'x5t#S256': 'x' } }),
    'that is not a JWT': 'abc',
  };
  for (const [what, value] of Object.entries(bad)) {
    await assertRefused(await bearer(await value), 'Bearer', 'invalid_token', what);
  }
});

test('an opaque token is accepted if introspection confirms it', async () => {
  const good = { active: true, aud: `${api.url}/opaque` };
  assert.equal((await bearer(JSON.stringify(good), '/opaque')).status, 200);
  for (const bad of [{ ...good, active: false }, { ...good, aud: `${api.url}/jwt` }, { ...good, cnf: { jkt } }]) {
    await assertRefused(await bearer(JSON.stringify(bad), '/opaque'), 'Bearer', 'invalid_token', JSON.stringify(bad));
  }
});

test('a valid proof is accepted, and the response has a new nonce', async () => {
  const response = await bound({});
  assert.equal(response.status, 200);
  const next = response.headers.get('dpop-nonce');
  assert.notEqual(next, nonce);
  assert.equal((await bound({ nonce: next })).status, 200);
  assert.equal((await bound({})).status, 200, 'the earlier nonce is still valid');
});

test('a proof without a valid nonce is refused, and the response has one', async () => {
  for (const bad of [undefined, 'abc']) {
    const response = await bound({ nonce: bad });
    await assertRefused(response, 'DPoP', 'use_dpop_nonce', bad);
    assert.equal((await bound({ nonce: response.headers.get('dpop-nonce') })).status, 200);
  }
});

test('nonces are forgotten on demand, and are valid for one path only', async () => {
  const path = '/jwt/forgetful';
  const first = (await bound({ nonce: undefined }, { path })).headers.get('dpop-nonce');
  assert.equal((await bound({ nonce: first }, { path })).status, 200);
  await assertRefused(await bound({ nonce: first }), 'DPoP', 'use_dpop_nonce', 'at another path');
  api.forgetNonces(path);
  await assertRefused(await bound({ nonce: first }, { path }), 'DPoP', 'use_dpop_nonce', 'forgotten');
  const expected = ['use_dpop_nonce, no nonce', 'ok, newest nonce', 'use_dpop_nonce, unknown nonce'];
  assert.deepEqual(outcomes.of(path), expected);
});

test('an invalid proof is refused', async () => {
  const now = Math.floor(Date.now() / 1000);
  const other = await exportJWK((await generateKeyPair('ES256')).publicKey);
  const bad = {
    'for another method': bound({ htm: 'POST' }),
    'for another path': bound({ htu: `${api.url}/jwt/other` }),
    'for a URL with a query': bound({ htu: `${api.url}/jwt?x=1` }, { query: '?x=1' }),
    'for a URL with a fragment': bound({ htu: `${api.url}/jwt#y` }),
    'for another host': bound({ htu: 'https://api.example.com/jwt' }),
    'for an invalid URL': bound({ htu: 'abc' }),
    'for another token': bound({ ath: 'abc' }),
    'without a token hash': bound({ ath: undefined }),
    'that is too old': bound({ iat: now - 90 }),
    'from the future': bound({ iat: now + 90 }),
    'without a time': bound({ iat: undefined }),
    'without an identifier': bound({ jti: undefined }),
    'with another type': bound({}, { header: { typ: 'JWT' } }),
    'with the private key in it': bound({}, { header: { jwk: { ...clientJwk, d: 'AAAA' } } }),
    'with another key in it': bound({}, { header: { jwk: other } }),
    'that is missing': bound({}, { change: () => undefined }),
    'that is doubled': bound({}, { change: (proof) => `${proof}, ${proof}` }),
  };
  for (const [what, response] of Object.entries(bad)) {
    await assertRefused(await response, 'DPoP', 'invalid_dpop_proof', what);
  }
});

test('a proof is accepted once', async () => {
  const jti = randomUUID();
  assert.equal((await bound({ jti })).status, 200);
  await assertRefused(await bound({ jti }), 'DPoP', 'invalid_dpop_proof', 'used again');
});

test('a proof with a key to which the token is not bound is refused', async () => {
  for (const cnf of [undefined, { jkt: 'abc' }]) {
    await assertRefused(await bound({}, { claims: { cnf } }), 'DPoP', 'invalid_token', JSON.stringify(cnf));
  }
});

test('URLs are compared after normalization, and without the query of the call', async () => {
  assert.equal((await bound({ htu: `${api.url.replace('http', 'HTTP')}/a/../jwt` })).status, 200);
  assert.equal((await bound({}, { query: '?x=1' })).status, 200);
});

async function assertRefused(response, scheme, error, what) {
  assert.equal(response.status, 401, what);
  assert.match(response.headers.get('www-authenticate'), new RegExp(`^${scheme} error="${error}"`), what);
}

function token(claims, header = {}, key = issuerKey) {
  const payload = { iss: ISSUER, aud: `${api.url}/jwt`, exp: Math.floor(Date.now() / 1000) + 60, ...claims };
  return new SignJWT(payload).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', ...header }).sign(key);
}

function bearer(value, path = '/jwt') {
  return fetch(`${api.url}${path}`, { headers: { authorization: `Bearer ${value}` } });
}

// Calls the API with a token that is bound to the client's key, and with a proof in which these claims are changed.
async function bound(changed, { path = '/jwt', query = '', header = {}, claims = {}, change = (proof) => proof } = {}) {
  const value = await token({ cnf: { jkt }, ...claims });
  const payload = {
    ath: createHash('sha256').update(value).digest('base64url'),
    htm: 'GET',
    htu: `${api.url}${path}`,
    iat: Math.floor(Date.now() / 1000),
    jti: randomUUID(),
    nonce,
    ...changed,
  };
  const signing = new SignJWT(payload).setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: clientJwk, ...header });
  const dpop = change(await signing.sign(clientKey));
  return fetch(`${api.url}${path}${query}`, { headers: { authorization: `DPoP ${value}`, ...(dpop && { dpop }) } });
}
