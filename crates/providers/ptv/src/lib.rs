//! Access tokens for PTV Logistics (Conundra) APIs
