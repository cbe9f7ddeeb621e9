//! Slot files, key vaults, recovery vaults and what people type: read without a panic, and written as read.
#![no_main]

use amethyst_daily_login::{KeyVault, Login, Password, RecoveryVault, SlotFile};
use libfuzzer_sys::fuzz_target;
use shared::UtcMicros;

fuzz_target!(|bytes: &[u8]| {
    let signature = |bytes: &[u8]| *bytes.last_chunk::<64>().expect("it was read");
    if let Ok(file) = SlotFile::parse(bytes) {
        assert_eq!(file.to_bytes(|_| signature(bytes)), bytes);
        let login = Login::parse("a4469").expect("a login");
        let _any = file.find(login, UtcMicros(1_795_348_800_000_000));
    }
    if let Ok(vault) = KeyVault::parse(bytes) {
        assert_eq!(vault.to_bytes(|_| signature(bytes)), bytes);
    }
    if let Ok(vault) = RecoveryVault::parse(bytes) {
        assert_eq!(vault.to_bytes(|_| signature(bytes)), bytes);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        if let Ok(login) = Login::parse(text) {
            assert_eq!(Login::parse(&login.to_string()), Ok(login));
        }
        if let Ok(password) = Password::parse(text) {
            let again = Password::parse(&password.grouped()).expect("its own text");
            assert_eq!(again.expose(), password.expose());
        }
    }
});
