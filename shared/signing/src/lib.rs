//! Credentials and the signatures of Alibaba Cloud's OpenAPI. Pure: time and nonce are arguments.
