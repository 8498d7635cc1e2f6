// An API that takes access tokens as the RFCs have it: bearer tokens (RFC 6750), tokens bound to a key (RFC 9449) and
// to a certificate (RFC 8705). Below `/jwt`, it reads them itself (RFC 9068); below `/opaque`, it asks their issuer.
//
// A test takes a path of its own, with nonces of its own: none, until the first answer has handed one out. Each answer
// to a proof hands out the next, and those before stay good until they are forgotten. That is as lenient as a server
// may be; whether clients use the newest, the outcomes say.

import { createHash } from 'node:crypto';

import { base64url, calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose';

import { SIGNATURES } from './authorization_server.mjs';

const LONGEST_AGE = 60;

export class Api {
  #proofs = new Set();
  #nonces = new Map();

  // `keys` are the issuer's, for jose, and `introspect` asks it about a token.
  constructor({ url, issuer, keys, introspect }, asked) {
    Object.assign(this, { url, issuer, keys, introspect, asked });
  }

  callback() {
    return async (request, response) => {
      const { pathname } = new URL(request.url, this.url);
      const call = { request, path: pathname, nonce: 'no' };
      const refusal = await this.#check(call).then(() => undefined, (error) => error);
      if (refusal && !(refusal instanceof Refusal)) {
        console.error(refusal);
        return response.writeHead(500).end();
      }
      const outcome = refusal ? (refusal.error ?? 'no token') : 'ok';
      this.asked.note(pathname, call.isBound ? `${outcome}, ${call.nonce} nonce` : outcome);
      if (call.isBound) {
        response.setHeader('dpop-nonce', this.#nextNonce(pathname));
      }
      if (refusal) {
        response.setHeader('www-authenticate', refusal.challenge(call));
      }
      response.setHeader('content-type', 'application/json');
      return response.writeHead(refusal?.status ?? 200).end(JSON.stringify(call.claims ?? {}));
    };
  }

  forgetNonces(path) {
    this.#nonces.delete(path);
  }

  #nextNonce(path) {
    const nonce = base64url.encode(crypto.getRandomValues(new Uint8Array(16)));
    this.#nonces.set(path, [...this.#noncesOf(path), nonce]);
    return nonce;
  }

  #noncesOf(path) {
    return this.#nonces.get(path) ?? [];
  }

  async #check(call) {
    const { authorization: headers = [] } = call.request.headersDistinct;
    if (headers.length === 0) {
      throw new Refusal(401);
    }
    const [scheme, token, ...rest] = headers.join().split(' ');
    call.isBound = scheme.toLowerCase() === 'dpop';
    if (!token || rest.length || !(call.isBound || scheme.toLowerCase() === 'bearer')) {
      throw new Refusal(400, 'invalid_request', 'one Authorization header with one token');
    }
    const thumbprint = call.isBound ? await this.#proof(call, token) : undefined;
    const claims = await this.#claims(call.path, token);
    const { jkt, 'x5t#S256': x5t } = claims.cnf ?? {};
    if (jkt !== thumbprint) {
      throw invalidToken('the token is bound to another key, or to none, or comes without a proof');
    }
    if (x5t && x5t !== certificateThumbprint(call.request.socket)) {
      throw invalidToken('the token is bound to a certificate, and the connection has another or none');
    }
    call.claims = claims;
  }

  // What the token says, from those who may say so.
  async #claims(path, token) {
    const [, format] = path.split('/');
    const audience = `${this.url}/${format}`;
    if (format === 'opaque') {
      const claims = await this.introspect(token);
      if (!claims.active || claims.aud !== audience) {
        throw invalidToken('the token is not active, or not for this API');
      }
      return claims;
    }
    const verified = jwtVerify(token, this.keys, { issuer: this.issuer, audience, typ: 'at+jwt' });
    return (await verified.catch((error) => { throw invalidToken(error.message); })).payload;
  }

  // RFC 9449 section 4.3, and the key of the proof by its thumbprint.
  async #proof(call, token) {
    const { request: { method, headersDistinct: { dpop: proofs = [] } }, path } = call;
    if (proofs.length !== 1) {
      throw invalidProof('there has to be one proof');
    }
    const verified = jwtVerify(proofs[0], EmbeddedJWK, {
      algorithms: SIGNATURES,
      typ: 'dpop+jwt',
      maxTokenAge: LONGEST_AGE,
      requiredClaims: ['ath', 'htm', 'htu', 'iat', 'jti'],
    });
    const proof = await verified.catch((error) => { throw invalidProof(error.message); });
    const { payload: { ath, htm, htu, jti, nonce }, protectedHeader: { jwk } } = proof;

    const issued = this.#noncesOf(path);
    if (nonce !== undefined) {
      call.nonce = nonce === issued.at(-1) ? 'newest' : issued.includes(nonce) ? 'older' : 'unknown';
    }
    if (htm !== method) {
      throw invalidProof('htm is another method');
    }
    if (!isSameTarget(htu, `${this.url}${path}`)) {
      throw invalidProof('htu is another address');
    }
    if (ath !== createHash('sha256').update(token).digest('base64url')) {
      throw invalidProof('ath is of another token');
    }
    if (!issued.includes(nonce)) {
      throw new Refusal(401, 'use_dpop_nonce', 'the proof needs a nonce that is good');
    }
    if (this.#proofs.has(jti)) {
      throw invalidProof('the proof was seen before');
    }
    this.#proofs.add(jti);
    return calculateJwkThumbprint(jwk);
  }
}

class Refusal extends Error {
  constructor(status, error, description) {
    super(description);
    Object.assign(this, { status, error });
  }

  // RFC 6750 section 3 and RFC 9449 section 7.1: who has shown nothing learns what there is.
  challenge({ isBound }) {
    const reason = this.error && `error="${this.error}", error_description="${this.message.replaceAll('"', "'")}"`;
    const bound = `DPoP ${[reason, `algs="${SIGNATURES.join(' ')}"`].filter(Boolean).join(', ')}`;
    return reason ? (isBound ? bound : `Bearer ${reason}`) : `Bearer, ${bound}`;
  }
}

function invalidToken(description) {
  return new Refusal(401, 'invalid_token', description);
}

function invalidProof(description) {
  return new Refusal(401, 'invalid_dpop_proof', description);
}

// Spelled in any way that means the same. Section 4.2 wants neither query nor fragment; 4.3 would overlook them.
function isSameTarget(htu, url) {
  return typeof htu === 'string' && URL.parse(htu)?.href === new URL(url).href;
}

function certificateThumbprint(socket) {
  const certificate = socket.getPeerX509Certificate?.();
  return certificate && createHash('sha256').update(certificate.raw).digest('base64url');
}
