//! FILETIME: the clock of KMS messages.

use std::fmt;

/// 100 ns intervals since 1601-01-01 UTC. Source: MS-DTYP 2.3.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct FileTime(pub u64);

impl FileTime {
    /// The Unix epoch, 1970-01-01 UTC.
    pub const UNIX_EPOCH: Self = Self(116_444_736_000_000_000);
    /// One second.
    pub const SECOND: u64 = 10_000_000;
    /// One minute.
    pub const MINUTE: u64 = 60 * Self::SECOND;
    /// One hour.
    pub const HOUR: u64 = 60 * Self::MINUTE;
    /// One day.
    pub const DAY: u64 = 24 * Self::HOUR;

    /// From nanoseconds since the Unix epoch; what is finer than 100 ns is cut off.
    pub const fn from_unix_nanos(nanos: u64) -> Self {
        Self(Self::UNIX_EPOCH.0.saturating_add(nanos / 100))
    }

    /// Nanoseconds since the Unix epoch; times outside what 64 bits hold are clamped.
    pub const fn to_unix_nanos(self) -> u64 {
        self.0
            .saturating_sub(Self::UNIX_EPOCH.0)
            .saturating_mul(100)
    }

    /// Later by `units` of 100 ns.
    #[must_use]
    pub const fn plus(self, units: u64) -> Self {
        Self(self.0.saturating_add(units))
    }

    /// Earlier by `units` of 100 ns.
    #[must_use]
    pub const fn minus(self, units: u64) -> Self {
        Self(self.0.saturating_sub(units))
    }

    /// Year, and day of the year from 1 on.
    pub fn ordinal(self) -> (u16, u16) {
        let days = self.0 / Self::DAY;
        let (year, _, _) = civil(days);
        // No time is of a year beyond 60056, and none of them has more than 366 days.
        let first = (0..366).take_while(|back| {
            let earlier = days.checked_sub(*back);
            earlier.is_some_and(|earlier| civil(earlier).0 == year)
        });
        let number = |count| u16::try_from(count).unwrap_or(u16::MAX);
        (
            number(year),
            number(u64::try_from(first.count()).unwrap_or(0)),
        )
    }

    /// Units of 100 ns between two times, whichever is later.
    pub const fn distance(self, other: Self) -> u64 {
        self.0.abs_diff(other.0)
    }
}

impl fmt::Display for FileTime {
    /// `2026-11-22T18:41:00Z`, with a fraction where there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, rest) = (self.0 / Self::DAY, self.0 % Self::DAY);
        let (year, month, day) = civil(days);
        let (hour, minute) = (rest / Self::HOUR, rest % Self::HOUR / Self::MINUTE);
        let (second, fraction) = (rest % Self::MINUTE / Self::SECOND, rest % Self::SECOND);
        // Digit by digit: a capture has a time a line, and formatting six numbers took as long as reading what it is of.
        let mut text = *b"-00-00T00:00:00.0000000Z";
        for (place, number) in [
            (1..3, month),
            (4..6, day),
            (7..9, hour),
            (10..12, minute),
            (13..15, second),
            (16..23, fraction),
        ] {
            let mut rest = number;
            for digit in text.get_mut(place).into_iter().flatten().rev() {
                *digit = b'0'.saturating_add(u8::try_from(rest % 10).unwrap_or_default());
                rest /= 10;
            }
        }
        let text = str::from_utf8(&text).unwrap_or_default();
        write!(f, "{year:04}")?;
        if fraction != 0 {
            return f.write_str(text);
        }
        f.write_str(text.get(..15).unwrap_or_default())?;
        f.write_str("Z")
    }
}

/// Year, month and day of a day counted from 1601-01-01, the first of a 400-year cycle of the Gregorian calendar.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "days is at most 2^64 / DAY, about 2^24, and every divisor is a constant"
)]
fn civil(days: u64) -> (u64, u64, u64) {
    // Count years from March, so that the leap day is the last of its year: 1601-01-01 is day 306 of March-year 1600.
    let shifted = days + 306;
    let (cycle, day_of_cycle) = (shifted / 146_097, shifted % 146_097);
    let year_of_cycle = (day_of_cycle - day_of_cycle / 1_460 + day_of_cycle / 36_524
        - day_of_cycle / 146_096)
        / 365;
    let day_of_year =
        day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = 1600 + 400 * cycle + year_of_cycle + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_instants_print_as_dates() {
        for (time, text) in [
            (FileTime(0), "1601-01-01T00:00:00Z"),
            (FileTime::UNIX_EPOCH, "1970-01-01T00:00:00Z"),
            (
                FileTime::from_unix_nanos(951_782_399_000_000_000),
                "2000-02-28T23:59:59Z",
            ),
            (
                FileTime::from_unix_nanos(951_782_400_000_000_000),
                "2000-02-29T00:00:00Z",
            ),
            (
                FileTime(134_398_422_920_831_616),
                "2026-11-22T17:31:32.0831616Z",
            ),
            (FileTime(u64::MAX), "60056-05-28T05:36:10.9551615Z"),
        ] {
            assert_eq!(time.to_string(), text);
        }
    }

    #[test]
    fn a_day_is_counted_from_the_first_of_its_year() {
        let day = |text: u64| FileTime::from_unix_nanos(text * 1_000_000_000).ordinal();
        // 1970-01-01, 2000-02-29, 2000-12-31, 2006-06-24 (day 175 of the document's ePID), 2026-11-22.
        assert_eq!(day(0), (1970, 1));
        assert_eq!(day(951_782_400), (2000, 60));
        assert_eq!(day(978_220_800), (2000, 366));
        assert_eq!(day(1_151_107_200), (2006, 175));
        assert_eq!(day(1_795_305_600), (2026, 326));
        assert_eq!(FileTime(0).ordinal(), (1601, 1));
        assert_eq!(FileTime(u64::MAX).ordinal(), (60056, 149));
    }

    #[test]
    fn unix_time_round_trips_to_100_nanoseconds() {
        assert_eq!(
            FileTime::from_unix_nanos(1_795_368_692_085_327_123).to_unix_nanos(),
            1_795_368_692_085_327_100
        );
    }
}
