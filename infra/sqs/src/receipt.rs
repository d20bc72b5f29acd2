//! Receipt handles: which message of which queue a receive gave out, sealed so that a handle of another store or a made
//! up one is told apart from one whose message is gone. It is no protection against a caller who may use the queue.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};

const PAYLOAD: usize = 24;
const SEAL: usize = 8;

/// What a handle names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Receipt {
    pub queue: i64,
    pub message: i64,
}

/// Writes and reads handles with the store's own secret.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Receipts {
    secret: [u8; 16],
}

impl Receipts {
    pub(crate) fn new(secret: [u8; 16]) -> Self {
        Self { secret }
    }

    fn seal(&self, payload: &[u8]) -> [u8; SEAL] {
        let mut digest = Md5::new();
        digest.update(self.secret);
        digest.update(payload);
        let mut seal = [0; SEAL];
        seal.copy_from_slice(&digest.finalize()[..SEAL]);
        seal
    }

    /// A new handle, different at each call.
    pub(crate) fn write(&self, receipt: Receipt) -> String {
        let mut bytes = Vec::with_capacity(PAYLOAD + SEAL);
        bytes.extend_from_slice(&receipt.queue.to_be_bytes());
        bytes.extend_from_slice(&receipt.message.to_be_bytes());
        bytes.extend_from_slice(&uuid::Uuid::new_v4().as_bytes()[..8]);
        let seal = self.seal(&bytes);
        bytes.extend_from_slice(&seal);
        STANDARD.encode(bytes)
    }

    /// What the handle names, if this store wrote it.
    pub(crate) fn read(&self, handle: &str) -> Option<Receipt> {
        let bytes = STANDARD.decode(handle).ok()?;
        let (payload, seal) = bytes.split_at_checked(PAYLOAD)?;
        if seal != self.seal(payload) {
            return None;
        }
        let queue = i64::from_be_bytes(payload.get(..8)?.try_into().ok()?);
        let message = i64::from_be_bytes(payload.get(8..16)?.try_into().ok()?);
        Some(Receipt { queue, message })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_names_its_message_and_no_other_store_reads_it() {
        let ours = Receipts::new([1; 16]);
        let receipt = Receipt { queue: 3, message: 77 };
        let handle = ours.write(receipt);
        assert_eq!(ours.read(&handle), Some(receipt));
        assert_ne!(ours.write(receipt), handle);
        assert_eq!(Receipts::new([2; 16]).read(&handle), None);
        for forged in ["", "x", "AAAA", "{}", "你好", &handle[1..]] {
            assert_eq!(ours.read(forged), None, "{forged}");
        }
    }
}
