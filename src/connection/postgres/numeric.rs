//! PostgreSQL's binary numeric to decimal digits and back: exact, with scale, NaN and infinities.

use crate::base::decimal::Decimal;

const POSITIVE: u16 = 0;
const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITE: u16 = 0xD000;
const MINUS_INFINITE: u16 = 0xF000;

/// The digits of a binary numeric; nothing when the bytes are not one.
pub fn decode(bytes: &[u8]) -> Option<Decimal> {
    let word = |i: usize| Some(u16::from_be_bytes(bytes.get(i * 2..i * 2 + 2)?.try_into().ok()?));
    let (count, weight, sign, scale) = (word(0)?, word(1)?.cast_signed(), word(2)?, usize::from(word(3)?));
    match sign {
        NAN => return "NaN".parse().ok(),
        INFINITE => return "Infinity".parse().ok(),
        MINUS_INFINITE => return "-Infinity".parse().ok(),
        POSITIVE | NEGATIVE => {}
        _ => return None,
    }
    let groups = (0..usize::from(count)).map(|i| word(4 + i)).collect::<Option<Vec<u16>>>()?;
    // Group i stands for digits at 10000^(weight - i).
    let group =
        |place: i32| usize::try_from(i32::from(weight) - place).ok().and_then(|i| groups.get(i)).copied().unwrap_or(0);
    let mut text = String::from(if sign == NEGATIVE { "-" } else { "" });
    let start = text.len();
    for place in (0..=i32::from(weight).max(0)).rev() {
        text.push_str(&format!("{:04}", group(place)));
    }
    let zeros = text[start..].bytes().take_while(|b| *b == b'0').count().min(text.len() - start - 1);
    text.replace_range(start..start + zeros, "");
    if scale > 0 {
        text.push('.');
        let point = text.len();
        for place in 1..=scale.div_ceil(4) {
            text.push_str(&format!("{:04}", group(-i32::try_from(place).ok()?)));
        }
        text.truncate(point + scale);
    }
    text.parse().ok()
}

/// The binary numeric of decimal digits; nothing beyond PostgreSQL's range.
pub fn encode(decimal: &Decimal) -> Option<Vec<u8>> {
    let head = |count: u16, weight: i16, sign: u16, scale: u16| {
        [count, weight.cast_unsigned(), sign, scale].iter().flat_map(|w| w.to_be_bytes()).collect::<Vec<u8>>()
    };
    match decimal.as_str() {
        "NaN" => return Some(head(0, 0, NAN, 0)),
        "Infinity" => return Some(head(0, 0, INFINITE, 0)),
        "-Infinity" => return Some(head(0, 0, MINUS_INFINITE, 0)),
        _ => {}
    }
    let (sign, digits) = decimal.as_str().strip_prefix('-').map_or((POSITIVE, decimal.as_str()), |d| (NEGATIVE, d));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = whole.trim_start_matches('0');
    if whole.len() > 131_072 || fraction.len() > 16_383 {
        return None;
    }
    let padded = format!(
        "{}{whole}{fraction}{}",
        "0".repeat((4 - whole.len() % 4) % 4),
        "0".repeat((4 - fraction.len() % 4) % 4)
    );
    let mut groups: Vec<u16> = (0..padded.len() / 4).map(|i| padded[i * 4..i * 4 + 4].parse().unwrap_or(0)).collect();
    let mut weight = i16::try_from(whole.len().div_ceil(4)).ok()? - 1;
    let zeros = groups.iter().take_while(|g| **g == 0).count();
    groups.drain(..zeros);
    weight -= i16::try_from(zeros).ok()?;
    while groups.last() == Some(&0) {
        groups.pop();
    }
    if groups.is_empty() {
        weight = 0;
    }
    // Minus zero does not exist: the server would store it as zero too.
    let sign = if groups.is_empty() { POSITIVE } else { sign };
    let mut bytes = head(u16::try_from(groups.len()).ok()?, weight, sign, u16::try_from(fraction.len()).ok()?);
    bytes.extend(groups.iter().flat_map(|g| g.to_be_bytes()));
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn again(text: &str) -> String {
        decode(&encode(&text.parse().unwrap()).unwrap()).unwrap().as_str().to_owned()
    }

    #[test]
    fn scale_and_special_values_survive() {
        for text in [
            "0",
            "0.00",
            "1.10",
            "-1",
            "10000",
            "0.0001",
            "0.00010",
            "123456789012345678901234567890.5",
            "NaN",
            "Infinity",
            "-Infinity",
        ] {
            assert_eq!(again(text), text);
        }
        assert_eq!(again("-0.0"), "0.0");
        assert_eq!(again(".5"), "0.5");
        assert_eq!(again("007"), "7");
        assert!(encode(&format!("0.{}", "1".repeat(20_000)).parse().unwrap()).is_none());
        assert!(decode(&[0, 1, 0, 0]).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn any_digits_survive(text in "-?[1-9][0-9]{0,30}(\\.[0-9]{1,30})?") {
            prop_assert_eq!(again(&text), text);
        }
    }
}
