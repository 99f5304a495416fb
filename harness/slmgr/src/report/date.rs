use std::fmt;
use std::str::FromStr;

/// A date with its time of day, in whatever time zone the machine has: `8/29/2007 4:59:59 PM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    /// Year.
    pub year: u16,
    /// Month, 1 to 12.
    pub month: u8,
    /// Day, 1 to 31.
    pub day: u8,
    /// Hour, 0 to 23.
    pub hour: u8,
    /// Minute.
    pub minute: u8,
    /// Second.
    pub second: u8,
}

impl FromStr for Date {
    type Err = ();

    /// Reads `8/29/2007 4:59:59 PM`, as the document has it, and `2007/08/29 16:59:59`, as Japanese Windows writes it.
    fn from_str(text: &str) -> Result<Self, ()> {
        let mut words = text.split_whitespace();
        let [date, time] = [words.next(), words.next()].map(|word| word.ok_or(()));
        let half = words.next().map(str::to_ascii_uppercase);
        let ([one, two, three], [hour, minute, second]) =
            (numbers(date?, '/')?, numbers(time?, ':')?);
        let (year, month, day) = if one > 31 {
            (one, two, three)
        } else {
            (three, one, two)
        };
        let hour = match half.as_deref() {
            None => hour,
            Some("AM") if (1..=12).contains(&hour) => hour % 12,
            Some("PM") if (1..=12).contains(&hour) => (hour % 12).saturating_add(12),
            Some(_) => return Err(()),
        };
        let within = |number: u16, least, most| {
            let number = u8::try_from(number).map_err(drop)?;
            (least..=most).contains(&number).then_some(number).ok_or(())
        };
        if words.next().is_some() || !(1000..=9999).contains(&year) {
            return Err(());
        }
        Ok(Self {
            year,
            month: within(month, 1, 12)?,
            day: within(day, 1, 31)?,
            hour: within(hour, 0, 23)?,
            minute: within(minute, 0, 59)?,
            second: within(second, 0, 59)?,
        })
    }
}

/// Three numbers with something between them.
fn numbers(text: &str, between: char) -> Result<[u16; 3], ()> {
    let number = |part: &str| {
        let digits = !part.is_empty() && part.bytes().all(|octet| octet.is_ascii_digit());
        part.parse().ok().filter(|_| digits).ok_or(())
    };
    let parts: Vec<u16> = text.split(between).map(number).collect::<Result<_, _>>()?;
    parts.try_into().map_err(drop)
}

impl fmt::Display for Date {
    /// As the document writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
        } = self;
        let half = if *hour < 12 { "AM" } else { "PM" };
        let hour = match hour % 12 {
            0 => 12,
            hour => hour,
        };
        write!(
            f,
            "{month}/{day}/{year} {hour}:{minute:02}:{second:02} {half}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_date_and_its_japanese_form_are_the_same() {
        let date: Date = "8/29/2007 4:59:59 PM".parse().unwrap();
        assert_eq!("2007/08/29 16:59:59".parse(), Ok(date));
        assert_eq!(date.to_string(), "8/29/2007 4:59:59 PM");
        for (text, hour) in [("1/1/2007 12:00:00 AM", 0), ("1/1/2007 12:00:00 PM", 12)] {
            let date: Date = text.parse().unwrap();
            assert_eq!((date.hour, date.to_string().as_str()), (hour, text));
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "8/29/2007",
            "8/29/2007 4:59:59 XM",
            "13/29/2007 4:59:59 PM",
            "8/32/2007 4:59:59 PM",
            "8/29/2007 13:59:59 PM",
            "8/29/2007 24:59:59",
            "8/29/07 4:59:59 PM",
            "8/29/2007 4:59 PM",
            "8/29/2007 4:59:+9 PM",
            "8/29/2007 4:59:59 PM UTC",
        ] {
            assert_eq!(text.parse::<Date>(), Err(()), "{text}");
        }
    }
}
