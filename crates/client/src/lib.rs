//! Sends token requests, caches tokens and hands them out
