//! Extended PIDs: `PPPPP-GGGGG-KKK-KKKKKK-CC-LLLL-BBBB.RRRR-DDDYYYY`.

use std::fmt;
use std::str::FromStr;

/// Platform id of every ePID the lab host makes; no real host uses it. Source: kms-protocol 0.
pub const LAB_PLATFORM_ID: u32 = 99_999;

/// A number and how many digits it is written with, so that printing gives back what was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    value: u32,
    digits: u8,
}

impl Decimal {
    /// `value` with as many digits as it needs, but at least `digits`.
    pub fn new(value: u32, digits: u8) -> Self {
        let needed = value
            .checked_ilog10()
            .map_or(1, |log| log.saturating_add(1));
        Self {
            value,
            digits: u8::try_from(needed).unwrap_or(u8::MAX).max(digits),
        }
    }

    /// The number.
    pub const fn value(self) -> u32 {
        self.value
    }

    /// Digits it is written with.
    pub const fn digits(self) -> u8 {
        self.digits
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:0width$}",
            self.value,
            width = usize::from(self.digits)
        )
    }
}

/// An extended PID. Source: kms-protocol 3, Extended PID.
///
/// ```
/// use kmspec_wire::kms::Epid;
///
/// let epid: Epid = "11111-00140-008-805425-03-1033-5384.0000-1752006".parse().unwrap();
/// assert_eq!((epid.build.value(), epid.day_of_year, epid.year), (5384, 175, 2006));
/// let error = "11111-00140-008-805425-03-1033-5384.0000-3672006".parse::<Epid>().unwrap_err();
/// assert_eq!(error.to_string(), "day of year at character 42: not 001 to 366");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Epid {
    /// Platform id: 5 digits.
    pub platform_id: u32,
    /// Group id: 5 digits.
    pub group_id: u32,
    /// Key id: 9 digits, written as 3 and 6.
    pub key_id: u32,
    /// Licence channel: 2 digits, 03 is volume.
    pub channel: u8,
    /// Language of the host: 1 to 5 digits.
    pub lcid: Decimal,
    /// Build of the host: 4 or 5 digits.
    pub build: Decimal,
    /// Revision of the build: 4 digits.
    pub revision: u16,
    /// Day of the year on which the host was activated: 1 to 365, or 366 in a leap year.
    pub day_of_year: u16,
    /// That year: 4 digits.
    pub year: u16,
}

/// Why a text is no extended PID, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} at character {at}: not {form}")]
pub struct EpidError {
    /// The field.
    pub field: &'static str,
    /// Character at which it goes wrong, from 1.
    pub at: usize,
    /// What should stand there.
    pub form: &'static str,
}

impl Epid {
    /// Licence channel of volume licences.
    pub const VOLUME: u8 = 3;

    /// Reads UTF-16LE with its terminating zero, as it travels.
    pub fn from_wire(bytes: &[u8]) -> Result<Self, EpidError> {
        let (pairs, odd) = bytes.as_chunks();
        let mut units = pairs.iter().map(|pair| u16::from_le_bytes(*pair));
        let mut text = [0; Self::MAX_CHARS];
        let mut len = 0usize;
        for unit in units.by_ref().take_while(|&unit| unit != 0) {
            // What is not ASCII or does not fit is no part of the grammar; any letter makes the parser say so there.
            if let Some(place) = text.get_mut(len) {
                *place = u8::try_from(unit).ok().filter(u8::is_ascii).unwrap_or(b'?');
            }
            len = len.saturating_add(1);
        }
        let text = text.get(..len).ok_or(EpidError {
            field: "text",
            at: Self::MAX_CHARS.saturating_add(1),
            form: "the end",
        })?;
        if units.next().is_some() || !odd.is_empty() {
            return Err(EpidError {
                field: "text",
                at: len.saturating_add(1),
                form: "free of inner zeros",
            });
        }
        parse(text)
    }

    /// UTF-16LE with its terminating zero, as it travels.
    pub fn to_wire(&self) -> Vec<u8> {
        let text = self.to_string();
        let units = text.encode_utf16().chain([0]);
        units.flat_map(u16::to_le_bytes).collect()
    }

    /// Most characters the grammar allows.
    pub const MAX_CHARS: usize = 50;
}

impl FromStr for Epid {
    type Err = EpidError;

    fn from_str(text: &str) -> Result<Self, EpidError> {
        match text.chars().position(|c| !c.is_ascii()) {
            None => parse(text.as_bytes()),
            Some(at) => Err(EpidError {
                field: "text",
                at: at.saturating_add(1),
                form: "digits, '-' and '.'",
            }),
        }
    }
}

fn parse(text: &[u8]) -> Result<Epid, EpidError> {
    let mut p = Parser { text, at: 0 };
    let platform_id = p.fixed("platform id", 5, "5 digits")?;
    p.mark(b'-', "platform id", "'-'")?;
    let group_id = p.fixed("group id", 5, "5 digits")?;
    p.mark(b'-', "group id", "'-'")?;
    let key_high = p.fixed("key id", 3, "3 digits, '-' and 6 digits")?;
    p.mark(b'-', "key id", "3 digits, '-' and 6 digits")?;
    let key_low = p.fixed("key id", 6, "3 digits, '-' and 6 digits")?;
    p.mark(b'-', "key id", "'-'")?;
    let channel = p.fixed("channel", 2, "2 digits")?;
    p.mark(b'-', "channel", "'-'")?;
    let lcid = p.ranged("LCID", 1, 5, "1 to 5 digits")?;
    p.mark(b'-', "LCID", "'-'")?;
    let build = p.ranged("build", 4, 5, "4 or 5 digits")?;
    p.mark(b'.', "build", "'.'")?;
    let revision = p.fixed("revision", 4, "4 digits")?;
    p.mark(b'-', "revision", "'-'")?;
    let day_at = p.at;
    let day = p.fixed("day of year", 3, "3 digits")?;
    if !(1..=366).contains(&day) {
        p.at = day_at;
        return Err(p.error("day of year", "001 to 366"));
    }
    let year = p.fixed("year", 4, "4 digits")?;
    if day > days_of(year) {
        p.at = day_at;
        return Err(p.error("day of year", "a day of that year, which has 365"));
    }
    if !p.text.is_empty() {
        return Err(p.error("text", "the end"));
    }
    Ok(Epid {
        platform_id,
        group_id,
        key_id: key_high.saturating_mul(1_000_000).saturating_add(key_low),
        channel: u8::try_from(channel).unwrap_or_default(),
        lcid,
        build,
        revision: u16::try_from(revision).unwrap_or_default(),
        day_of_year: u16::try_from(day).unwrap_or_default(),
        year: u16::try_from(year).unwrap_or_default(),
    })
}

/// How many days a year of the Gregorian calendar has.
const fn days_of(year: u32) -> u32 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    if is_leap { 366 } else { 365 }
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
}

impl Parser<'_> {
    fn error(&self, field: &'static str, form: &'static str) -> EpidError {
        let at = self.at.saturating_add(1);
        EpidError { field, at, form }
    }

    fn next_if(&mut self, wanted: impl Fn(&u8) -> bool) -> Option<u8> {
        let (first, rest) = self.text.split_first().filter(|(first, _)| wanted(first))?;
        self.text = rest;
        self.at = self.at.saturating_add(1);
        Some(*first)
    }

    fn mark(&mut self, mark: u8, field: &'static str, form: &'static str) -> Result<(), EpidError> {
        match self.next_if(|&c| c == mark) {
            Some(_) => Ok(()),
            None => Err(self.error(field, form)),
        }
    }

    fn fixed(
        &mut self,
        field: &'static str,
        digits: u8,
        form: &'static str,
    ) -> Result<u32, EpidError> {
        self.ranged(field, digits, digits, form).map(Decimal::value)
    }

    /// `min` to `max` digits; at most 9, so the value always fits.
    fn ranged(
        &mut self,
        field: &'static str,
        min: u8,
        max: u8,
        form: &'static str,
    ) -> Result<Decimal, EpidError> {
        let (mut value, mut digits) = (0u32, 0u8);
        while digits < max {
            let Some(digit) = self.next_if(u8::is_ascii_digit) else {
                break;
            };
            value = value
                .saturating_mul(10)
                .saturating_add(u32::from(digit & 0x0f));
            digits = digits.saturating_add(1);
        }
        if digits < min {
            return Err(self.error(field, form));
        }
        Ok(Decimal { value, digits })
    }
}

impl fmt::Display for Epid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            platform_id,
            group_id,
            key_id,
            channel,
            lcid,
            build,
            revision,
            day_of_year,
            year,
        } = self;
        let (high, low) = (key_id / 1_000_000, key_id % 1_000_000);
        write!(
            f,
            "{platform_id:05}-{group_id:05}-{high:03}-{low:06}-{channel:02}-{lcid}-"
        )?;
        write!(f, "{build}.{revision:04}-{day_of_year:03}{year:04}")
    }
}

#[cfg(any(test, feature = "arbitrary"))]
impl<'a> arbitrary::Arbitrary<'a> for Epid {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        let year = u.int_in_range(0..=9_999)?;
        let days = u16::try_from(days_of(u32::from(year))).unwrap_or_default();
        Ok(Self {
            platform_id: u.int_in_range(0..=99_999)?,
            group_id: u.int_in_range(0..=99_999)?,
            key_id: u.int_in_range(0..=999_999_999)?,
            channel: u.int_in_range(0..=99)?,
            lcid: Decimal::new(u.int_in_range(0..=99_999)?, u.int_in_range(1..=5)?),
            build: Decimal::new(u.int_in_range(0..=99_999)?, u.int_in_range(4..=5)?),
            revision: u.int_in_range(0..=9_999)?,
            day_of_year: u.int_in_range(1..=days)?,
            year,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text, the field at fault, the character.
    const BAD: &[(&str, &str, usize)] = &[
        ("", "platform id", 1),
        (
            "1111-00140-008-805425-03-1033-5384.0000-1752006",
            "platform id",
            5,
        ),
        (
            "11111.00140-008-805425-03-1033-5384.0000-1752006",
            "platform id",
            6,
        ),
        (
            "11111-0014x-008-805425-03-1033-5384.0000-1752006",
            "group id",
            11,
        ),
        (
            "11111-00140-008805425-03-1033-5384.0000-1752006",
            "key id",
            16,
        ),
        (
            "11111-00140-008-80542-03-1033-5384.0000-1752006",
            "key id",
            22,
        ),
        (
            "11111-00140-008-805425-3-1033-5384.0000-1752006",
            "channel",
            25,
        ),
        ("11111-00140-008-805425-03--5384.0000-1752006", "LCID", 27),
        (
            "11111-00140-008-805425-03-103300-5384.0000-1752006",
            "LCID",
            32,
        ),
        (
            "11111-00140-008-805425-03-1033-538.0000-1752006",
            "build",
            35,
        ),
        (
            "11111-00140-008-805425-03-1033-538400.0000-1752006",
            "build",
            37,
        ),
        (
            "11111-00140-008-805425-03-1033-5384-0000-1752006",
            "build",
            36,
        ),
        (
            "11111-00140-008-805425-03-1033-5384.000-1752006",
            "revision",
            40,
        ),
        (
            "11111-00140-008-805425-03-1033-5384.0000-0002006",
            "day of year",
            42,
        ),
        (
            "11111-00140-008-805425-03-1033-5384.0000-3672006",
            "day of year",
            42,
        ),
        (
            "11111-00140-008-805425-03-1033-5384.0000-3662006",
            "day of year",
            42,
        ),
        (
            "11111-00140-008-805425-03-1033-5384.0000-3661900",
            "day of year",
            42,
        ),
        (
            "11111-00140-008-805425-03-1033-5384.0000-175200",
            "year",
            48,
        ),
        (
            "11111-00140-008-805425-03-1033-5384.0000-17520061",
            "text",
            49,
        ),
        (
            "11111-00140-008-805425-03-1033-5384.0000-175２006",
            "text",
            45,
        ),
    ];

    const GOOD: &str = "11111-00140-008-805425-03-1033-5384.0000-1752006";

    #[test]
    fn the_known_good_one_reads_field_by_field() {
        assert_eq!(
            GOOD.parse(),
            Ok(Epid {
                platform_id: 11_111,
                group_id: 140,
                key_id: 8_805_425,
                channel: Epid::VOLUME,
                lcid: Decimal::new(1033, 1),
                build: Decimal::new(5384, 4),
                revision: 0,
                day_of_year: 175,
                year: 2006,
            })
        );
    }

    #[test]
    fn leap_years_have_a_day_more() {
        for year in ["2004", "2000", "0000"] {
            let epid: Epid = GOOD
                .replace("1752006", &format!("366{year}"))
                .parse()
                .unwrap();
            assert_eq!(epid.day_of_year, 366, "{year}");
        }
    }

    #[test]
    fn captured_ones_print_as_they_read() {
        for text in [
            GOOD,
            "03612-00096-201-242758-03-1093-14393.0000-1702020",
            "03612-00206-560-693278-03-18442-14393.0000-1702021",
            "55041-00206-554-961344-03-9225-6002.0000-3492018",
            "99999-00000-000-000000-00-0-00001.0000-3660000",
        ] {
            let epid: Epid = text.parse().unwrap();
            assert_eq!(epid.to_string(), text);
            assert_eq!(Epid::from_wire(&epid.to_wire()), Ok(epid));
        }
    }

    #[test]
    fn errors_name_the_field_and_the_character() {
        for &(text, field, at) in BAD {
            let error = text.parse::<Epid>().unwrap_err();
            assert_eq!((error.field, error.at), (field, at), "{text}: {error}");
        }
    }

    #[test]
    fn any_epid_round_trips() {
        arbtest::arbtest(|u| {
            let epid: Epid = u.arbitrary()?;
            assert_eq!(epid.to_string().parse(), Ok(epid));
            assert_eq!(Epid::from_wire(&epid.to_wire()), Ok(epid));
            assert!(epid.to_string().len() <= Epid::MAX_CHARS);
            Ok(())
        });
    }

    #[test]
    fn any_bytes_are_read_without_a_panic() {
        arbtest::arbtest(|u| {
            let _ = Epid::from_wire(u.arbitrary()?);
            let _ = u.arbitrary::<&str>()?.parse::<Epid>();
            Ok(())
        });
    }
}
