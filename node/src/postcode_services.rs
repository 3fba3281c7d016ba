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
use answers::Meaning;
use cache::VerdictCache;
use request::{Endpoint, Patience};

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
    endpoints: Arc<[Endpoint]>,
    client: reqwest::Client,
}

/// A service that may be asked now, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Its place in the order of asking.
    pub place: usize,
    /// Which service.
    pub service: PostcodeService,
    /// Its id in traces.
    pub id: NodeId,
}

/// What one attempt came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// What the service said; [`Verdict::NobodyAnswers`] if that was nothing to go by.
    pub verdict: Verdict,
    /// In that case: what was wrong, a sentence for people.
    pub failure: Option<String>,
    /// Whether the next service is worth asking.
    pub ask_another: bool,
    /// In real time.
    pub took: Duration,
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
        let endpoints = services.into_iter().map(Endpoint::new).collect::<anyhow::Result<Arc<[Endpoint]>>>()?;
        let client = request::client(endpoints.iter().any(Endpoint::is_secure), patience)?;
        Ok(Self { inquiry: Inquiry { endpoints, client }, cache: VerdictCache::new(cache) })
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
    /// Whom to ask, from a place in the order of asking on: 0, or one more than that of the last attempt.
    ///
    /// A service that asked to be left alone (`Retry-After`), or would be asked more than five times a second by us, is
    /// passed over. Northern Ireland is outside the data of getthedata.com, so while postcodes.io is away its postcodes
    /// get [`Verdict::NobodyAnswers`] and wait.
    #[must_use]
    pub fn next(&self, from: usize) -> Option<Turn> {
        let mut endpoints = self.endpoints.iter().enumerate().skip(from);
        let (place, endpoint) = endpoints.find(|(_, endpoint)| match endpoint.may_be_asked() {
            Ok(()) => true,
            Err(why) => {
                tracing::debug!(service = %endpoint.service(), why, "skipped");
                false
            }
        })?;
        Some(Turn { place, service: endpoint.service(), id: endpoint.id() })
    }

    /// Asks one service, when it is our turn; at most about 0.8 s after that.
    pub async fn ask(&self, turn: Turn, postcode: Postcode) -> Attempt {
        let begun = Instant::now();
        let (service, nobody) = (turn.service, Verdict::NobodyAnswers);
        let said = |verdict, failure, ask_another| Attempt { verdict, failure, ask_another, took: begun.elapsed() };
        let Some(endpoint) = self.endpoints.get(turn.place) else { return said(nobody, None, false) };
        if let Err(why) = endpoint.wait_for_turn().await {
            return said(nobody, Some(format!("{service} was not asked: {why}")), true);
        }
        match endpoint.ask(&self.client, postcode).await {
            Meaning::Says(verdict) => said(verdict, None, true),
            Meaning::Unavailable(why) => said(nobody, Some(why), true),
            Meaning::OurFault(why) => {
                tracing::error!(%service, %postcode, why, "the postcode service rejected our request as invalid");
                said(nobody, Some(why), false)
            }
        }
    }
}

#[cfg(test)]
mod tests;
