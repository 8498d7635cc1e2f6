//! Access tokens for the Resamania API
