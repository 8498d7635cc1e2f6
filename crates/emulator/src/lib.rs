//! Local stand-ins for vendors' token endpoints and APIs, written from the vendors' documents
