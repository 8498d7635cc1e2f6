//! The checks that every provider of credentials-grant must pass
