//! Access tokens for the apaleo API
