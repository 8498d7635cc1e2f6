// An API that accepts access tokens as the RFCs require: bearer tokens (RFC 6750), and tokens bound to a key (RFC 9449)
// or to a certificate (RFC 8705). Below `/jwt`, it verifies them itself (RFC 9068). Below `/opaque`, it asks the issuer
// about them (RFC 7662).
//
// Each path has its own nonces, so each test uses its own path. A path has no nonce at first. Each response to a proof
// issues a new nonce, and older ones stay valid until the test makes the API forget them. This is as lenient as a
// server may be. The recorded outcomes show whether a client used the newest nonce.

import { createHash } from 'node:crypto';

import { base64url, calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose';

import { SIGNATURES } from './authorization_server.mjs';

const MAX_PROOF_AGE = 60;

export class Api {
  #proofs = new Set();
  #nonces = new Map();

  // `keys` are the issuer's keys for jose. `introspect` asks the issuer about a token.
  constructor({ url, issuer, keys, introspect }, outcomes) {
    Object.assign(this, { url, issuer, keys, introspect, outcomes });
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
      this.outcomes.record(pathname, call.isBound ? `${outcome}, ${call.nonce} nonce` : outcome);
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
      throw new Refusal(400, 'invalid_request', 'send one Authorization header with one token');
    }
    const thumbprint = call.isBound ? await this.#proof(call, token) : undefined;
    const claims = await this.#claims(call.path, token);
    const { jkt, 'x5t#S256': x5t } = claims.cnf ?? {};
    if (jkt !== thumbprint) {
      throw invalidToken('the proof does not match the key to which the token is bound');
    }
    if (x5t && x5t !== certificateThumbprint(call.request.socket)) {
      throw invalidToken('the token is bound to a certificate that the connection does not use');
    }
    call.claims = claims;
  }

  // Returns the token's claims, from the issuer or from the verified JWT.
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

  // Checks the proof as RFC 9449 section 4.3 requires, and returns the thumbprint of its key.
  async #proof(call, token) {
    const { request: { method, headersDistinct: { dpop: proofs = [] } }, path } = call;
    if (proofs.length !== 1) {
      throw invalidProof('send exactly one proof');
    }
    const verified = jwtVerify(proofs[0], EmbeddedJWK, {
      algorithms: SIGNATURES,
      typ: 'dpop+jwt',
      maxTokenAge: MAX_PROOF_AGE,
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
      throw invalidProof('htu is another URL');
    }
    if (ath !== createHash('sha256').update(token).digest('base64url')) {
      throw invalidProof('ath belongs to another token');
    }
    if (!issued.includes(nonce)) {
      throw new Refusal(401, 'use_dpop_nonce', 'the proof needs a valid nonce');
    }
    if (this.#proofs.has(jti)) {
      throw invalidProof('the proof was used before');
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

  // RFC 6750 section 3 and RFC 9449 section 7.1. Without a token, the challenge lists every scheme.
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

// Compares normalized URLs. RFC 9449 section 4.2 allows no query and no fragment; section 4.3 would ignore them.
function isSameTarget(htu, url) {
  return typeof htu === 'string' && URL.parse(htu)?.href === new URL(url).href;
}

function certificateThumbprint(socket) {
  const certificate = socket.getPeerX509Certificate?.();
  return certificate && createHash('sha256').update(certificate.raw).digest('base64url');
}
