/// How the receiver of a stream wants it coded: what its `a=fmtp` says, as far as it concerns the
/// sender. Codecs heed what they know of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    /// It plays out at this rate at most, in Hz; what is above is wasted.
    pub max_playback_rate: Option<u32>,
    /// Bits a second at most.
    pub max_average_bitrate: Option<u32>,
    /// All packets are to have one size.
    pub constant_bitrate: bool,
    /// It makes use of a packet's copy of the one before.
    pub inband_fec: bool,
    /// Silence need not be sent.
    pub dtx: bool,
}
