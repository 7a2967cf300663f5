//! `flowkeeper init`.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use clap::Args;
use flow_log::RegionId;
use futures_util::{StreamExt as _, TryStreamExt as _, future::join, stream};
use openapi::{CallError, Client, FlowLogFilter, Listing, VpcFilter};

use crate::{
    cli::{CloudOptions, help},
    context::Context,
    failure::{FAILED, Failure},
    identity::{Identity, identify},
    output_file::cause,
    policy_file::DEFAULT,
    starter::{Found, Read, RegionFound},
};

const EXAMPLES: &str = "\
Examples:
  flowkeeper init
  flowkeeper init --region cn-hangzhou --out hangzhou.yml
Exit codes: 0 done; 1 failed, or something is unknown; 64 wrong usage";

/// How many regions are read at once.
const MAX_CONCURRENT: usize = 8;

/// Write a policy to begin with, from what is in the account
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, help_template = help::WITH_OPTIONS)]
pub(crate) struct Init {
    #[command(flatten)]
    cloud: CloudOptions,
    /// File to write; - for stdout
    #[arg(long, value_name = "FILE", default_value = DEFAULT)]
    out: PathBuf,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
}

impl Init {
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        // Before anything is read, which may take a while.
        if !self.force && !self.is_stdout() && self.out.symlink_metadata().is_ok() {
            return Err(self.is_there());
        }
        let found = context.read(async {
            let identity = identify(&self.cloud, context).await?;
            context.terminal.tell(identity.text());
            self.read(context, &identity).await
        })?;
        let next = if self.out == Path::new(DEFAULT) || self.is_stdout() {
            "flowkeeper plan".to_owned()
        } else {
            format!("flowkeeper plan {}", self.out.display())
        };
        let text = found.policy(&next);
        if self.is_stdout() {
            context.terminal.print_data(&text)?;
        } else {
            self.write(&text)?;
            context.terminal.note(format_args!("{} is written: {}", self.out.display(), found.summary()));
        }
        let unread = found.unread();
        for unknown in &unread {
            context.terminal.warn(unknown);
        }
        context.terminal.note(format_args!("next: {next}"));
        if unread.is_empty() { Ok(()) } else { Err(Failure::told(FAILED)) }
    }

    fn is_stdout(&self) -> bool {
        self.out == Path::new("-")
    }

    fn is_there(&self) -> Failure {
        let name = self.out.display();
        Failure::usage(format!("{name} is there already"), "name another file with --out, or replace it with --force")
    }

    /// Reads what is in the account.
    async fn read(&self, context: &Context, identity: &Identity) -> Result<Found, Failure> {
        let client = identity.client().read_only();
        let asked = self.cloud.regions()?;
        let (named, regions_unread) = if asked.is_empty() { regions(&client, identity).await } else { (asked, None) };
        let reads = named.into_iter().map(|region| region_found(&client, identity, region));
        let regions = stream::iter(reads).buffered(MAX_CONCURRENT).collect().await;
        Ok(Found { account: identity.caller.account.clone(), at: context.now(), regions, regions_unread })
    }

    /// Writes the file in one step, so that one that is there is replaced or left as it is.
    fn write(&self, text: &str) -> Result<(), Failure> {
        let folder = self.out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.prefix(".flowkeeper-");
        // A policy is no secret: it gets the rights of any other file.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let written = builder.tempfile_in(folder).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            let kept = if self.force { file.persist(&self.out) } else { file.persist_noclobber(&self.out) };
            kept.map_err(|error| error.error)
        });
        written.map(drop).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => self.is_there(),
            _ => Failure::failed(
                format!("--out {}: the policy cannot be written: {}", self.out.display(), cause(&error)),
                "name a file in a folder of your own",
            ),
        })
    }
}

/// Asks which regions there are. If that is refused, the region of the credentials is all that is known.
async fn regions(client: &Client, identity: &Identity) -> (Vec<RegionId>, Option<String>) {
    let (credentials, account) = (identity.key.credentials.clone(), identity.caller.account.clone());
    let session = client.session(credentials, account, identity.any_region(), None);
    match session.describe_regions().await {
        Ok(listing) => {
            let unread = unreadable("the regions", &listing);
            (listing.items.into_iter().map(|region| region.id).collect(), unread)
        }
        Err(error) => {
            let unread = format!("the regions of the account could not be read: {error}: {}", error.cause);
            (identity.regions.clone(), Some(unread))
        }
    }
}

fn unreadable<T>(what: &str, listing: &Listing<T>) -> Option<String> {
    let first = listing.unreadable.first()?;
    Some(format!("{} of {what} could not be read: {}", listing.unreadable.len(), first.reason))
}

/// Reads the VPCs and flow logs of a region.
async fn region_found(client: &Client, identity: &Identity, region: RegionId) -> RegionFound {
    let account = &identity.caller.account;
    let session = &client.session(identity.key.credentials.clone(), account.clone(), region.clone(), None);
    let (vpcs, flow_logs) = join(
        session.vpcs(&VpcFilter::default()).try_collect::<Vec<_>>(),
        session.describe_flow_logs(&FlowLogFilter::default()),
    )
    .await;
    let vpcs = read(&format!("the VPCs of {region}"), vpcs.map(|found| found.into_iter().collect()));
    let flow_logs = read(&format!("the flow logs of {region}"), flow_logs);
    let own = vpcs.items.into_iter().filter(|vpc| vpc.account == *account).collect();
    RegionFound { region, vpcs: Read { items: own, ..vpcs }, flow_logs }
}

fn read<T>(what: &str, outcome: Result<Listing<T>, CallError>) -> Read<T> {
    match outcome {
        Ok(listing) => Read { unread: unreadable(what, &listing), items: listing.items },
        Err(error) => {
            Read { items: Vec::new(), unread: Some(format!("{what} could not be read: {error}: {}", error.cause)) }
        }
    }
}
