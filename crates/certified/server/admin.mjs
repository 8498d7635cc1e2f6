// Endpoints for the tests: they report the outcomes of requests, and control the API's nonces.
//
//   GET  /requests?of=NAME  the outcomes of all requests, in order, as a JSON array. NAME is a client's id for the
//                           token endpoint, or a path of the API. An outcome is `ok` or the error's code. For a bound
//                           token, the API adds the state of the proof's nonce: no, newest, older or unknown
//   POST /nonces?of=PATH    makes the API forget the nonces that it has issued at this path

export class Outcomes {
  #outcomes = new Map();

  record(name, outcome) {
    this.#outcomes.set(name, [...this.of(name), outcome]);
  }

  of(name) {
    return this.#outcomes.get(name) ?? [];
  }
}

export function admin(outcomes, api) {
  return (request, response) => {
    const { pathname, searchParams } = new URL(request.url, api.url);
    const name = searchParams.get('of');
    switch (`${request.method} ${pathname}`) {
      case 'GET /requests':
        response.setHeader('content-type', 'application/json');
        return response.end(JSON.stringify(outcomes.of(name)));
      case 'POST /nonces':
        api.forgetNonces(name);
        return response.writeHead(204).end();
      default:
        return response.writeHead(404).end();
    }
  };
}
