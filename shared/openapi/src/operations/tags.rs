//! The tag operations, which all three products have, each with small differences.

use flow_log::names::{TagKey, Tags};
use futures_util::stream::BoxStream;

use crate::{
    CallError, Entry, Listing, Product, Session, Writes,
    call::{request::Request, response_object::ResponseObject},
    paging::listing::List,
};

/// The maximum page size.
const MAX_PAGE_SIZE: u32 = 50;
/// How many ids the API accepts at once.
const MAX_IDS: usize = 50;
/// How many keys the API accepts at once.
const MAX_KEYS: usize = 20;

/// The kinds of resources that can have tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaggedType {
    /// Flow logs.
    FlowLog,
    /// VPCs.
    Vpc,
    /// vSwitches.
    VSwitch,
    /// Network interfaces.
    NetworkInterface,
    /// Express Connect Routers.
    Ecr,
}

impl TaggedType {
    const fn as_str(self) -> &'static str {
        match self {
            Self::FlowLog => "FLOWLOG",
            Self::Vpc => "VPC",
            Self::VSwitch => "VSWITCH",
            Self::NetworkInterface => "eni",
            Self::Ecr => "EXPRESSCONNECTROUTER",
        }
    }

    /// Returns the product of the resource, which also manages its tags.
    const fn product(self) -> Product {
        match self {
            Self::FlowLog | Self::Vpc | Self::VSwitch => Product::Vpc,
            Self::NetworkInterface => Product::Ecs,
            Self::Ecr => Product::Ecr,
        }
    }

    /// Returns the parameters that go into the form.
    const fn form_parameters(self) -> &'static [&'static str] {
        match self {
            Self::Ecr => &[
                "ResourceType",
                "ResourceId",
                "Tag",
                "TagKey",
                "All",
                "MaxResults",
                "NextToken",
                "ClientToken",
                "DryRun",
            ],
            _ => &[],
        }
    }

    /// Returns the page size. ECS does not accept one.
    const fn page(self) -> Option<u32> {
        match self {
            Self::NetworkInterface => None,
            _ => Some(MAX_PAGE_SIZE),
        }
    }

    /// Returns the operation that removes tags. Its spelling differs between products.
    const fn untag(self) -> &'static str {
        match self {
            Self::FlowLog | Self::Vpc | Self::VSwitch => "UnTagResources",
            Self::NetworkInterface | Self::Ecr => "UntagResources",
        }
    }
}

/// Selects tags. At least one field must be given.
#[derive(Debug, Clone, Copy, Default)]
pub struct TagFilter<'a> {
    /// Attached to one of these resources, at most 50.
    pub ids: &'a [&'a str],
    /// Attached to resources with all of these tags.
    pub tags: Option<&'a Tags>,
}

/// A tag with the resource that it is attached to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachedTag {
    /// The resource's id.
    pub resource_id: String,
    /// The resource's type, as the API calls it.
    pub resource_type: String,
    /// The tag's key.
    pub key: String,
    /// The tag's value.
    pub value: String,
}

impl Session<'_> {
    /// `ListTagResources`: streams attached tags, one page at a time.
    #[must_use]
    pub fn tags<'s>(
        &'s self,
        of: TaggedType,
        filter: &TagFilter<'_>,
    ) -> BoxStream<'s, Result<Entry<AttachedTag>, CallError>> {
        let has_filter = !filter.ids.is_empty() || filter.tags.is_some_and(|tags| !tags.is_empty());
        let request = Request::read(of.product(), "ListTagResources")
            .form_parameters(of.form_parameters())
            .about(filter.ids.join(","))
            .ensure(has_filter, || "neither a resource nor a tag is given".to_owned())
            .with("ResourceType", of.as_str())
            .with_list("ResourceId", MAX_IDS, filter.ids.iter().copied())
            .with_tags("Tag", filter.tags);
        let list = List::new("TagResources", "TagResource", &["ResourceId", "TagKey"])
            .only("ResourceId", filter.ids.iter().copied());
        self.by_token(request, of.page(), list, attached)
    }

    /// `ListTagResources`: lists attached tags.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read.
    pub async fn list_tag_resources(
        &self,
        of: TaggedType,
        filter: &TagFilter<'_>,
    ) -> Result<Listing<AttachedTag>, CallError> {
        Listing::of(self.tags(of, filter)).await
    }
}

impl Writes<'_> {
    /// `TagResources`: sets these tags on these resources, at most 50.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read.
    pub async fn tag_resources(&self, of: TaggedType, ids: &[&str], tags: &Tags) -> Result<(), CallError> {
        self.session.call_and_done(self.tagging(of, ids, tags)).await
    }

    /// `TagResources` as a dry run (`DryRun`), which only routers support: checks whether these tags could be set, and
    /// changes nothing.
    ///
    /// # Errors
    /// The change could not be made, or the call failed.
    pub async fn try_out_ecr_tags(&self, ids: &[&str], tags: &Tags) -> Result<(), CallError> {
        self.session.try_out(self.tagging(TaggedType::Ecr, ids, tags)).await
    }

    fn tagging(&self, of: TaggedType, ids: &[&str], tags: &Tags) -> Request {
        self.change_tags("TagResources", of, ids)
            .ensure(!tags.is_empty(), || "there is no tag to set".to_owned())
            .with_tags("Tag", Some(tags))
    }

    /// `UnTagResources`: removes the tags with these keys, at most 20, from these resources, at most 50.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read.
    pub async fn untag_resources(&self, of: TaggedType, ids: &[&str], keys: &[TagKey]) -> Result<(), CallError> {
        self.session.call_and_done(self.untagging(of, ids, keys)).await
    }

    /// The same as a dry run (`DryRun`), which only routers support: checks whether these tags could be removed, and
    /// changes nothing.
    ///
    /// # Errors
    /// The change could not be made, or the call failed.
    pub async fn try_out_ecr_untagging(&self, ids: &[&str], keys: &[TagKey]) -> Result<(), CallError> {
        self.session.try_out(self.untagging(TaggedType::Ecr, ids, keys)).await
    }

    fn untagging(&self, of: TaggedType, ids: &[&str], keys: &[TagKey]) -> Request {
        self.change_tags(of.untag(), of, ids)
            .ensure(!keys.is_empty(), || "there is no tag to take off".to_owned())
            .with_list("TagKey", MAX_KEYS, keys.iter().map(TagKey::as_str))
    }

    /// `UnTagResources` with `All`: removes every tag from these resources, at most 50.
    ///
    /// # Errors
    /// The call failed, or its response cannot be read.
    pub async fn untag_resources_of_all(&self, of: TaggedType, ids: &[&str]) -> Result<(), CallError> {
        self.session.call_and_done(self.change_tags(of.untag(), of, ids).with("All", "true")).await
    }

    /// These operations are idempotent.
    fn change_tags(&self, action: &'static str, of: TaggedType, ids: &[&str]) -> Request {
        let request = Request::write(of.product(), action).form_parameters(of.form_parameters()).idempotent();
        let request = match of {
            TaggedType::Ecr => request.with_client_token(self.session.client_token()),
            _ => request,
        };
        request
            .about(ids.join(","))
            .ensure(!ids.is_empty(), || "no resource is given".to_owned())
            .with("ResourceType", of.as_str())
            .with_list("ResourceId", MAX_IDS, ids.iter().copied())
    }
}

fn attached(tag: &ResponseObject<'_>) -> Result<AttachedTag, String> {
    let text = |key| tag.text(key).unwrap_or_default();
    Ok(AttachedTag {
        resource_id: tag.required("ResourceId")?,
        resource_type: text("ResourceType"),
        key: tag.required("TagKey")?,
        value: text("TagValue"),
    })
}
