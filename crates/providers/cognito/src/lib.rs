//! Access tokens from Amazon Cognito user pools
