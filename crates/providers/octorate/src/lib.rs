//! Access tokens for the Octorate/Octotable API
