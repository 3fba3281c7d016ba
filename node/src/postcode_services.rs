//! Asking whether a postcode exists (steps 11 and 12): postcodes.io, then getthedata.com, or their stand-ins.
//!
//! Only a primary asks. What an answer means is decided in `answers`; this file decides whom to ask next: the second
//! service is asked when the first is *unavailable*, never because it said no. Nothing here retries: the machine asks
//! again after [`Verdict::NobodyAnswers`] when its timer rings. Requests run on real time, not on cluster time.

mod answers;
mod cache;
mod request;

use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::ids::NodeId;
use protocol::postcode::{Postcode, PostcodeService, Verdict};

use crate::control::ServiceAddress;
use answers::Reading;
use cache::VerdictCache;
use request::{Door, Patience};

/// Where postcodes.io really is.
pub const LIVE_POSTCODES_IO: &str = "https://api.postcodes.io";

/// Where getthedata.com really is. Its own page says plain HTTP; its public users call it by HTTPS.
pub const LIVE_GET_THE_DATA: &str = "https://api.getthedata.com";

/// The postcode services as a replica sees them, and what it remembers of their verdicts.
#[derive(Debug)]
pub struct PostcodeServices {
    inquiry: Inquiry,
    cache: VerdictCache,
}

/// The part that asks: cheap to clone into a task of its own.
#[derive(Clone, Debug)]
pub struct Inquiry {
    doors: Arc<[Door]>,
    client: reqwest::Client,
}

/// What happens while asking, for the trace.
#[derive(Clone, Debug, PartialEq)]
pub enum Attempt {
    /// A request leaves now (step 11).
    Begins {
        /// To which service.
        service: PostcodeService,
        /// Its id in traces.
        id: NodeId,
    },
    /// The same attempt is over (step 12).
    Ends {
        /// Which service it was.
        service: PostcodeService,
        /// Its id in traces.
        id: NodeId,
        /// What it said; [`Verdict::NobodyAnswers`] if that was nothing to go by.
        verdict: Verdict,
        /// In that case: what was wrong, a sentence for people.
        failure: Option<String>,
        /// In real time.
        took: Duration,
    },
}

impl PostcodeServices {
    /// Services in the order of asking; `cache`: whether verdicts are remembered.
    ///
    /// Makes ring this process's provider of cryptography unless there is one already. The system's certificates are
    /// read only if some service is reached by HTTPS, so that stand-ins work on a machine that has none.
    ///
    /// # Errors
    /// If an address is not "http://host:port" or "https://host", or the certificates cannot be read.
    pub fn new(services: Vec<ServiceAddress>, cache: bool) -> anyhow::Result<Self> {
        Self::with_patience(services, cache, Patience::USUAL)
    }

    fn with_patience(services: Vec<ServiceAddress>, cache: bool, patience: Patience) -> anyhow::Result<Self> {
        let doors = services.into_iter().map(Door::new).collect::<anyhow::Result<Arc<[Door]>>>()?;
        let client = request::client(doors.iter().any(Door::is_secure), patience)?;
        Ok(Self { inquiry: Inquiry { doors, client }, cache: VerdictCache::new(cache) })
    }

    /// What was said of `postcode` before, if that is remembered.
    #[must_use]
    pub fn cached(&self, postcode: &Postcode) -> Option<Verdict> {
        self.cache.get(postcode)
    }

    /// Remembers a verdict, unless it is none or remembering is off.
    pub fn remember(&mut self, postcode: Postcode, verdict: &Verdict) {
        self.cache.put(postcode, verdict);
    }

    /// Begins to remember, or forgets everything and remembers no more.
    pub fn set_cache(&mut self, on: bool) {
        self.cache.switch(on);
    }

    /// To ask with, in a task of its own.
    #[must_use]
    pub fn inquiry(&self) -> Inquiry {
        self.inquiry.clone()
    }
}

impl Inquiry {
    /// Asks one service after the other until one gives a verdict; at most about 0.8 s for each. `report` is called
    /// just before a request leaves and when that attempt is over.
    ///
    /// A service that asked to be left alone (`Retry-After`), or would be asked more than five times a second by us, is
    /// passed over without an attempt. Northern Ireland is outside the data of getthedata.com, so while postcodes.io is
    /// away its postcodes get [`Verdict::NobodyAnswers`] and wait.
    pub async fn ask(&self, postcode: Postcode, mut report: impl FnMut(Attempt)) -> Verdict {
        for door in self.doors.iter() {
            if let Err(why) = door.wait_for_turn().await {
                tracing::debug!(service = %door.service(), why, "passed over");
                continue;
            }
            let (service, id) = (door.service(), door.id());
            report(Attempt::Begins { service, id });
            let begun = Instant::now();
            let reading = door.ask(&self.client, postcode).await;
            let may_ask_another = !matches!(reading, Reading::OurFault(_));
            let (verdict, failure) = match reading {
                Reading::Says(verdict) => (verdict, None),
                Reading::Unavailable(why) => (Verdict::NobodyAnswers, Some(why)),
                Reading::OurFault(why) => {
                    tracing::error!(%service, %postcode, why, "the postcode service says that our request was wrong");
                    (Verdict::NobodyAnswers, Some(why))
                }
            };
            report(Attempt::Ends { service, id, verdict: verdict.clone(), failure, took: begun.elapsed() });
            if verdict != Verdict::NobodyAnswers || !may_ask_another {
                return verdict;
            }
        }
        Verdict::NobodyAnswers
    }
}

#[cfg(test)]
mod tests;
