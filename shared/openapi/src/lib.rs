//! The client of Alibaba Cloud's OpenAPI: endpoints, transport, retry, paging and the calls Flowkeeper makes.
