//! OAuth 2.0 client credentials at any vendor: the trait, the token types, requests and responses
