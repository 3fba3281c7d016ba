//! `--view-record`: the store in which name servers keep the view record, and who they are there.
//!
//! A password never stands on the command line, where everybody on the machine could read it.

use std::path::{Path, PathBuf};

use node::control::EtcdAccess;

use super::Failure;
use cluster::ViewRecord;

/// The environment variable with the password.
const PASSWORD: &str = "JUST_HUNGRY_ETCD_PASSWORD";
/// The largest file of certificates, or of a password, in bytes.
const LARGEST: u64 = 1024 * 1024;

/// The store.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct StoreArguments {
    /// Keep the view record in etcd (version 3), at these addresses: etcd=http://a:2379,http://b:2379. Default: in the name
    /// server's own journal.
    #[arg(long, value_name = "STORE", value_parser = store)]
    view_record: Option<EtcdAccess>,
    /// With https addresses: a PEM file with the authorities that may certify etcd. Default: those that this machine trusts.
    #[arg(long, value_name = "FILE", requires = "view_record")]
    view_record_ca: Option<PathBuf>,
    /// With https addresses: a PEM file with the certificate that the name server shows to etcd, if etcd asks for one.
    #[arg(long, value_name = "FILE", requires_all = ["view_record", "view_record_key"])]
    view_record_cert: Option<PathBuf>,
    /// A PEM file with the private key of that certificate.
    #[arg(long, value_name = "FILE", requires = "view_record_cert")]
    view_record_key: Option<PathBuf>,
    /// The name server's user in etcd. Its password is read from --view-record-password-file, or from the environment variable
    /// JUST_HUNGRY_ETCD_PASSWORD.
    #[arg(long, value_name = "NAME", requires = "view_record")]
    view_record_user: Option<String>,
    /// A file that contains the password in etcd, and nothing else.
    #[arg(long, value_name = "FILE", requires = "view_record_user")]
    view_record_password_file: Option<PathBuf>,
}

/// The store, and how many name servers use it.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct NameServersArguments {
    /// Number of name servers, 1 to 3. More than one requires --view-record.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=3))]
    name_servers: u32,
    #[command(flatten)]
    store: StoreArguments,
}

impl NameServersArguments {
    /// Where they keep the view record.
    ///
    /// # Errors
    /// See [`StoreArguments::access`].
    pub fn place(&self) -> Result<ViewRecord, Failure> {
        Ok(self.store.access()?.map_or(ViewRecord::Journal, ViewRecord::Etcd))
    }

    /// How many there are.
    ///
    /// # Errors
    /// When there are several, and no store.
    pub fn name_servers(&self) -> Result<u32, Failure> {
        if self.name_servers > 1 && self.store.view_record.is_none() {
            let why = "Several name servers need a store for the view record that all of them use. Name one with --view-record, or start one name server.";
            return Err(Failure::BadInput(why.into()));
        }
        Ok(self.name_servers)
    }
}

fn store(words: &str) -> Result<EtcdAccess, String> {
    EtcdAccess::parse(words).map_err(|error| error.to_string())
}

impl StoreArguments {
    /// The store that was chosen, with the secrets; none: a journal.
    ///
    /// # Errors
    /// When a file cannot be read, or there is no password for the user.
    pub fn access(&self) -> Result<Option<EtcdAccess>, Failure> {
        let Some(access) = self.view_record.clone() else { return Ok(None) };
        let authorities = self.view_record_ca.as_deref().map(read).transpose()?;
        let certificate = match (&self.view_record_cert, &self.view_record_key) {
            (Some(certificate), Some(key)) => Some([read(certificate)?, b"\n".to_vec(), read(key)?].concat()),
            (None | Some(_), _) => None,
        };
        let user = self.view_record_user.clone().map(|name| Ok::<_, Failure>((name, self.password()?))).transpose()?;
        Ok(Some(EtcdAccess { user, authorities, certificate, ..access }))
    }

    fn password(&self) -> Result<String, Failure> {
        let Some(file) = &self.view_record_password_file else {
            let none = || {
                format!(
                    "The user in etcd needs a password. Name a file with --view-record-password-file, or set {PASSWORD}."
                )
            };
            return std::env::var(PASSWORD).map_err(|_| Failure::BadInput(none()));
        };
        let text = String::from_utf8(read(file)?);
        let text =
            text.map_err(|_| Failure::BadInput(format!("The password in {} is not text (UTF-8).", file.display())))?;
        Ok(text.trim_end_matches(['\n', '\r']).to_owned())
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let cannot = |error: &std::io::Error| {
        let why = node::error_text::io(error);
        Failure::BadInput(format!("{} cannot be read: {why}. Name another file.", path.display()))
    };
    let length = std::fs::metadata(path).map_err(|error| cannot(&error))?.len();
    if length > LARGEST {
        return Err(Failure::BadInput(format!("{} is too large. Name another file.", path.display())));
    }
    std::fs::read(path).map_err(|error| cannot(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(password_file: Option<PathBuf>) -> StoreArguments {
        StoreArguments {
            view_record: Some(EtcdAccess::parse("etcd=http://127.0.0.1:2379").unwrap()),
            view_record_user: Some("hungry".into()),
            view_record_password_file: password_file,
            ..StoreArguments::default()
        }
    }

    #[test]
    fn a_password_comes_from_a_file_and_its_line_end_is_no_part_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "secret \n").unwrap();
        let access = chosen(Some(file.clone())).access().unwrap().unwrap();
        assert_eq!(access.user, Some(("hungry".into(), "secret ".into())));
        assert!(!format!("{:?}", chosen(Some(file.clone()))).contains("secret"));
        std::fs::remove_file(&file).unwrap();
        let Err(Failure::BadInput(why)) = chosen(Some(file)).access() else { panic!("there is no such file") };
        assert!(why.contains("there is no such file"), "{why}");
    }

    #[test]
    fn without_a_store_there_is_nothing_to_read() {
        assert!(StoreArguments::default().access().unwrap().is_none());
    }
}
