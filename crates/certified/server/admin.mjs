// What the servers were asked, for tests that count requests, and what a test can order.
//
//   GET  /requests?of=NAME  what came of each request, in order: of a client at the token endpoint, by its id, or of
//                           the API, by its path; `ok` or the error's code, and what the API thinks of the proof's
//                           nonce: there is no nonce, it is the newest, an older or an unknown one
//   POST /nonces?of=PATH    the API forgets the nonces that it has handed out there

export class Asked {
  #outcomes = new Map();

  note(name, outcome) {
    this.#outcomes.set(name, [...this.of(name), outcome]);
  }

  of(name) {
    return this.#outcomes.get(name) ?? [];
  }
}

export function admin(asked, api) {
  return (request, response) => {
    const { pathname, searchParams } = new URL(request.url, api.url);
    const name = searchParams.get('of');
    switch (`${request.method} ${pathname}`) {
      case 'GET /requests':
        response.setHeader('content-type', 'application/json');
        return response.end(JSON.stringify(asked.of(name)));
      case 'POST /nonces':
        api.forgetNonces(name);
        return response.writeHead(204).end();
      default:
        return response.writeHead(404).end();
    }
  };
}
