//! One question to one service: address, limits of time and size, and the manners towards a public service.
//!
//! Does not read what the answer means (see `answers`) and follows no redirection.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, ensure};
use protocol::ids::NodeId;
use protocol::postcode::{Postcode, PostcodeService};
use reqwest::header::{ACCEPT, HeaderMap, RETRY_AFTER};
use reqwest::{Client, Response, Url};
use tokio::time::Instant;

use super::answers::{self, Meaning};
use crate::control::ServiceAddress;
use crate::proof::{CHALLENGE, PROOF, challenge};

/// How long a service may take before another one is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    connect: Duration,
    silence: Duration,
    answer: Duration,
}

impl Patience {
    /// Long enough for the live services, short enough for a customer who waits.
    pub(super) const USUAL: Patience = Patience {
        connect: Duration::from_millis(300),
        silence: Duration::from_millis(500),
        answer: Duration::from_millis(800),
    };
}

/// Longest body that is read; a true answer has some 2 KiB.
const BODY_LIMIT: usize = 64 * 1024;

/// Between two requests to a live service: five a second (their own limit is not published).
const LIVE_INTERVAL: Duration = Duration::from_millis(200);

/// A request that would have to wait longer for its turn goes to the other service instead.
const LONGEST_TURN: Duration = Duration::from_millis(1000);

/// Longest `Retry-After` that is believed.
const LONGEST_REST: Duration = Duration::from_secs(60);

/// A client with this project's limits; `secure`: whether it must be able to speak HTTPS.
pub(super) fn client(secure: bool, patience: Patience) -> anyhow::Result<Client> {
    // An error means that the process has a provider already, and then that one is used.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(patience.connect)
        .read_timeout(patience.silence)
        .timeout(patience.answer)
        .pool_max_idle_per_host(8)
        .user_agent(concat!("just-hungry/", env!("CARGO_PKG_VERSION")));
    let builder = if secure { builder } else { builder.tls_certs_only([]) };
    builder.build().context(
        "The postcode services cannot be reached over HTTPS, probably because this machine has no certificates (Debian: apt-get install ca-certificates). Stand-ins need no certificates.",
    )
}

/// Where one service is asked.
#[derive(Debug)]
pub(super) struct Endpoint {
    address: ServiceAddress,
    base: Url,
    /// A public service, to be asked sparingly.
    live: bool,
    pace: Mutex<Pace>,
}

/// When the service may be asked next.
#[derive(Debug, Default)]
struct Pace {
    /// It asked to be left alone until then.
    rests_until: Option<Instant>,
    /// Turns up to then are taken (live services only).
    taken_until: Option<Instant>,
}

impl Endpoint {
    /// # Errors
    /// If the base address is not one of HTTP or HTTPS with nothing but a host and perhaps a port.
    pub(super) fn new(address: ServiceAddress) -> anyhow::Result<Self> {
        let wrong = || {
            format!(
                "The address {:?} of {} cannot be used. Use one such as http://127.0.0.1:8080, without a path.",
                address.base_url, address.service
            )
        };
        let base = Url::parse(&address.base_url).with_context(wrong)?;
        let plain = matches!(base.scheme(), "http" | "https")
            && base.has_host()
            && base.path() == "/"
            && base.query().is_none()
            && base.fragment().is_none()
            && base.username().is_empty()
            && base.password().is_none();
        ensure!(plain, wrong());
        let live = [super::LIVE_POSTCODES_IO, super::LIVE_GET_THE_DATA]
            .iter()
            .any(|live| Url::parse(live).is_ok_and(|live| live.host_str() == base.host_str()));
        Ok(Self { address, base, live, pace: Mutex::default() })
    }

    pub(super) fn service(&self) -> PostcodeService {
        self.address.service
    }

    pub(super) fn id(&self) -> NodeId {
        self.address.id
    }

    pub(super) fn is_secure(&self) -> bool {
        self.base.scheme() == "https"
    }

    /// Whether its turn would come soon; why not, else. Takes no turn.
    pub(super) fn may_be_asked(&self) -> Result<(), &'static str> {
        self.pace().next_turn(Instant::now(), self.live).map(|_| ())
    }

    /// Returns when the service may be asked, or says why not now.
    pub(super) async fn wait_for_turn(&self) -> Result<(), &'static str> {
        let turn = self.pace().turn(Instant::now(), self.live)?;
        tokio::time::sleep_until(turn).await;
        Ok(())
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks, and reads the answer.
    pub(super) async fn ask(&self, client: &Client, postcode: Postcode) -> Meaning {
        match self.exchange(client, postcode).await {
            Ok((status, body)) => answers::read(self.service(), postcode, status, &body),
            Err(why) => Meaning::Unavailable(why),
        }
    }

    async fn exchange(&self, client: &Client, postcode: Postcode) -> Result<(u16, Vec<u8>), String> {
        let failed = |error: reqwest::Error| self.sentence(&error);
        let question = self.question(postcode);
        let path = question.path().to_owned();
        let mut request = client.get(question).header(ACCEPT, "application/json");
        let challenge =
            match &self.address.key {
                Some(_) => Some(challenge().map_err(|error| {
                    format!("{} was not asked: {}", self.service(), crate::error_text::chain(&error))
                })?),
                None => None,
            };
        if let Some(challenge) = &challenge {
            request = request.header(CHALLENGE, challenge);
        }
        let response = request.send().await.map_err(failed)?;
        self.check_proof(&path, challenge.as_deref(), response.headers())?;
        let status = response.status().as_u16();
        if let (429 | 503, Some(rest)) = (status, wanted_rest(response.headers())) {
            self.pace().rests_until = Some(Instant::now() + rest);
        }
        Ok((status, self.body_of(response).await?))
    }

    /// A stranger that holds the port of a dead stand-in is not believed, whatever it says.
    fn check_proof(&self, path: &str, challenge: Option<&str>, answer: &HeaderMap) -> Result<(), String> {
        let (Some(key), Some(challenge), service) = (&self.address.key, challenge, self.service()) else {
            return Ok(());
        };
        let proof = answer.get(PROOF).and_then(|proof| proof.to_str().ok()).unwrap_or_default();
        match key.is_proof(service, path, challenge, proof) {
            true => Ok(()),
            false => Err(format!(
                "Another program answers at {}, the address of {service}, and its answers are ignored. End it and restart {service}.",
                self.address.base_url
            )),
        }
    }

    /// Only a well-shaped postcode gets here, and its space is encoded: nothing typed by a person can bend the address.
    fn question(&self, postcode: Postcode) -> Url {
        let mut url = self.base.clone();
        let folder = match self.service() {
            PostcodeService::PostcodesIo => "postcodes",
            PostcodeService::GetTheData => "postcode",
        };
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear().push(folder).push(postcode.as_str());
        }
        url
    }

    async fn body_of(&self, mut response: Response) -> Result<Vec<u8>, String> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.sentence(&error))? {
            if body.len() + chunk.len() > BODY_LIMIT {
                return Err(format!("{} sent more than any answer can contain.", self.service()));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn sentence(&self, error: &reqwest::Error) -> String {
        let service = self.service();
        if error.is_timeout() {
            format!("{service} did not answer in time.")
        } else if error.is_connect() {
            format!("{service} cannot be reached.")
        } else {
            format!("{service} did not finish its answer.")
        }
    }
}

impl Pace {
    /// The moment of the next turn, which is taken by this.
    fn turn(&mut self, now: Instant, live: bool) -> Result<Instant, &'static str> {
        let turn = self.next_turn(now, live)?;
        if live {
            self.taken_until = Some(turn + LIVE_INTERVAL);
        }
        Ok(turn)
    }

    fn next_turn(&self, now: Instant, live: bool) -> Result<Instant, &'static str> {
        if self.rests_until.is_some_and(|until| now < until) {
            return Err("it asked for a pause");
        }
        if !live {
            return Ok(now);
        }
        let turn = self.taken_until.map_or(now, |taken| taken.max(now));
        if turn > now + LONGEST_TURN {
            return Err("too many questions are already waiting for it");
        }
        Ok(turn)
    }
}

/// `Retry-After` in seconds. Its other form, a date, is taken for no wish, as both services' clocks are not ours.
fn wanted_rest(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_REST))
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Patience {
        /// For machines that are busy with other tests.
        pub(in super::super) fn times(self, factor: u32) -> Patience {
            Patience { connect: self.connect * factor, silence: self.silence * factor, answer: self.answer * factor }
        }
    }

    fn endpoint(base_url: &str) -> anyhow::Result<Endpoint> {
        let (service, base_url) = (PostcodeService::PostcodesIo, base_url.into());
        Endpoint::new(ServiceAddress { service, id: NodeId(7), base_url, key: None })
    }

    #[test]
    fn addresses_are_checked() {
        for good in ["http://127.0.0.1:4321", "http://[::1]:80", super::super::LIVE_POSTCODES_IO] {
            assert!(endpoint(good).is_ok(), "{good}");
        }
        for bad in
            ["", "postcodes.io", "ftp://127.0.0.1", "http://a:b@127.0.0.1", "http://127.0.0.1/api", "http://h/?q"]
        {
            let refusal = endpoint(bad).unwrap_err();
            assert!(refusal.to_string().contains("cannot be used"), "{refusal}");
        }
    }

    #[test]
    fn a_question_is_the_postcode_and_nothing_else() {
        let url = endpoint("http://127.0.0.1:1").unwrap().question("ec1a1bb".parse().unwrap());
        assert_eq!(url.as_str(), "http://127.0.0.1:1/postcodes/EC1A%201BB");
        for text in ["../DH1 3LE", "DH1 3LE?x", "DH1@3LE", "DH1 3LE\r\nX: y", "DH1%203LE", "DH1 3LE#"] {
            assert!(text.parse::<Postcode>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn live_services_get_five_questions_a_second() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        let turns: Vec<_> = (0..9).filter_map(|_| pace.turn(now, true).ok()).map(|turn| turn - now).collect();
        assert_eq!(turns, [0, 200, 400, 600, 800, 1000].map(Duration::from_millis));
        assert_eq!(pace.turn(now + Duration::from_secs(5), true), Ok(now + Duration::from_secs(5)));
        assert!((0..100).all(|_| Pace::default().turn(now, false) == Ok(now)));
        assert!(
            endpoint(super::super::LIVE_GET_THE_DATA).unwrap().live && !endpoint("http://127.0.0.1:1").unwrap().live
        );
    }

    #[test]
    fn a_service_that_wants_rest_gets_it() {
        let now = Instant::now();
        let mut pace = Pace { rests_until: Some(now + Duration::from_secs(2)), taken_until: None };
        assert!(pace.turn(now + Duration::from_secs(1), false).is_err());
        assert!(pace.turn(now + Duration::from_secs(2), false).is_ok());
        let rest = |text: &str| wanted_rest(&HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]));
        assert_eq!(rest("2"), Some(Duration::from_secs(2)));
        assert_eq!(rest("99999999"), Some(LONGEST_REST));
        assert_eq!(rest("-1"), None);
        assert_eq!(rest("Fri, 31 Dec 1999 23:59:59 GMT"), None);
    }
}
