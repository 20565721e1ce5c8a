// SPDX-License-Identifier: GPL-2.0-only

//! `set` and `get`: the settings of the device.

use crate::failure::{failed, usage, Code, Failure};
use crate::size::{self, Style};
use crate::system::System;
use crate::{config, expression};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use vswap_engine::codec::Algorithm;
use vswap_engine::config::{RamLimit, Size};
use vswap_sysfs::{known, Device, Error};

/// A setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Virtual size, in bytes.
    Size,
    /// Limit of the ram tier, in bytes.
    RamLimit,
    /// The algorithm for new pages.
    Algorithm,
    /// In percent of the limit.
    HighWatermark,
    /// In percent of the limit.
    LowWatermark,
    /// Bytes a day.
    WritebackLimit,
}

impl Key {
    /// All settings, in the order in which they are shown.
    pub const ALL: [Self; 6] = [
        Self::Size,
        Self::RamLimit,
        Self::Algorithm,
        Self::HighWatermark,
        Self::LowWatermark,
        Self::WritebackLimit,
    ];

    /// The name, which is also that of the attribute.
    pub fn name(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::RamLimit => "ram_limit",
            Self::Algorithm => "comp_algorithm",
            Self::HighWatermark => "high_watermark",
            Self::LowWatermark => "low_watermark",
            Self::WritebackLimit => "writeback_limit",
        }
    }

    /// The setting with that name, in which - may stand for _.
    ///
    /// # Errors
    ///
    /// There is none; the sentence lists the settings.
    pub fn from_name(name: &str) -> Result<Self, Failure> {
        let plain = name.trim().replace('-', "_");
        let plain = if plain == "algorithm" {
            "comp_algorithm"
        } else {
            &plain
        };
        Self::ALL
            .into_iter()
            .find(|key| key.name() == plain)
            .ok_or_else(|| {
                let names = Self::ALL.map(Self::name).join(", ");
                usage(format!("there is no setting '{name}'; there are {names}"))
            })
    }

    /// Whether its value is a number of bytes.
    pub fn is_size(self) -> bool {
        matches!(self, Self::Size | Self::RamLimit | Self::WritebackLimit)
    }

    /// The value as the module keeps it, on a machine with that much RAM. This uses the module's own
    /// types, so what the module would refuse is refused here, and what it rounds is rounded.
    ///
    /// # Errors
    ///
    /// The value is not valid.
    pub fn parse(self, value: &str, ram: u64) -> Result<String, Failure> {
        let value = value.trim();
        let wrong = |reason: &str| usage(format!("{}: {reason}", self.name()));
        match self {
            Self::Size | Self::RamLimit | Self::WritebackLimit => {
                let expression = expression::parse(value).map_err(|reason| wrong(&reason))?;
                let bytes = config::checked(&expression, ram).map_err(|reason| wrong(&reason))?;
                self.kept(bytes, ram)
            }
            Self::HighWatermark | Self::LowWatermark => {
                let number = value.trim_end_matches('%').trim_end().parse::<u64>().ok();
                let percent = number.filter(|percent| (1..=100).contains(percent));
                let percent = percent
                    .ok_or_else(|| wrong("write a whole number of percent from 1 to 100"))?;
                Ok(percent.to_string())
            }
            Self::Algorithm => match Algorithm::from_name(value.as_bytes()) {
                Some(algorithm) => Ok(algorithm.name().to_owned()),
                None => Err(usage(format!(
                    "there is no algorithm '{value}'; there are {}",
                    Algorithm::ALL.map(Algorithm::name).join(", ")
                ))),
            },
        }
    }

    /// A number of bytes as the module keeps it.
    ///
    /// # Errors
    ///
    /// The module would refuse it.
    pub fn kept(self, bytes: u64, ram: u64) -> Result<String, Failure> {
        let kept = match self {
            Self::Size => Size::from_bytes(bytes).map(Size::bytes),
            Self::RamLimit => RamLimit::from_bytes(bytes, ram).map(RamLimit::bytes),
            _ => Ok(bytes),
        };
        kept.map(|bytes| bytes.to_string())
            .map_err(|refusal| usage(format!("{}: {}", self.name(), refusal.message())))
    }

    /// The device's value.
    ///
    /// # Errors
    ///
    /// It can't be read or parsed.
    pub fn get(self, device: &Device) -> Result<String, Error> {
        Ok(match self {
            Self::Size => device.size()?.to_string(),
            Self::RamLimit => device.ram_limit()?.to_string(),
            Self::Algorithm => device.algorithms()?.current,
            Self::HighWatermark => device.high_watermark()?.to_string(),
            Self::LowWatermark => device.low_watermark()?.to_string(),
            Self::WritebackLimit => device.writeback_limit()?.to_string(),
        })
    }

    fn set(self, device: &Device, value: &str) -> Result<(), Error> {
        let number = value.parse().unwrap_or(0);
        match self {
            Self::Size => device.set_size(number),
            Self::RamLimit => device.set_ram_limit(number),
            Self::Algorithm => device.set_algorithm(value),
            Self::HighWatermark => device.set_high_watermark(number),
            Self::LowWatermark => device.set_low_watermark(number),
            Self::WritebackLimit => device.set_writeback_limit(number),
        }
    }

    /// Why the module refused that value, in the words of its log.
    fn refusal(self, device: &Device, value: &str, ram: u64, error: &Error) -> Failure {
        let number = value.parse().unwrap_or(0);
        let reason = match (self, error.number()) {
            (Self::Size, Some(libc::EBUSY)) => {
                return Failure::new(
                    Code::Busy,
                    "size: the device is swapped on; 'vswapctl off' swaps it off",
                )
            }
            (Self::Size, Some(libc::EINVAL)) => Size::from_bytes(number).err(),
            (Self::RamLimit, Some(libc::EINVAL)) => RamLimit::from_bytes(number, ram).err(),
            (Self::Algorithm, Some(libc::EINVAL)) => {
                let names = device
                    .algorithms()
                    .map_or(String::new(), |names| names.all.join(", "));
                return usage(format!(
                    "there is no algorithm '{value}'; there are {names}"
                ));
            }
            (Self::HighWatermark | Self::LowWatermark, Some(libc::EINVAL)) => {
                return usage(format!(
                    "{}: the low watermark has to be below the high one",
                    self.name()
                ))
            }
            _ => None,
        };
        match reason {
            Some(reason) => usage(format!("{}: {}", self.name(), reason.message())),
            None => failed(format!("{} can't be set to {value}: {error}", self.name())),
        }
    }
}

/// Settings with their values, as the attributes take them.
pub type Settings = Vec<(Key, String)>;

/// Reads `KEY=VALUE` words.
///
/// # Errors
///
/// A word has another form.
pub fn parse(words: &[String], ram: u64) -> Result<Settings, Failure> {
    let setting = |word: &String| {
        let pair = word.split_once('=');
        let (name, value) = pair.ok_or_else(|| usage(format!("'{word}' is not KEY=VALUE")))?;
        let key = Key::from_name(name)?;
        Ok((key, key.parse(value, ram)?))
    };
    words.iter().map(setting).collect()
}

/// Sorts the settings for writing: one watermark may have to move before the other one can.
fn in_order(device: &Device, settings: &Settings) -> Result<Settings, Failure> {
    let mut settings = settings.clone();
    let high = settings.iter().find(|(key, _)| *key == Key::HighWatermark);
    let is_higher =
        high.and_then(|(_, value)| value.parse().ok()) > known(device.high_watermark())?;
    let rank = |key: Key| match key {
        Key::HighWatermark if is_higher => 0,
        Key::LowWatermark => 1,
        _ => 2,
    };
    settings.sort_by_key(|(key, _)| rank(*key));
    Ok(settings)
}

/// Changes all of them. Skips those that have the value already.
///
/// # Errors
///
/// The module refuses one. Then those before it get their old values back.
pub fn apply(system: &System, device: &Device, settings: &Settings) -> Result<(), Failure> {
    let mut done: Settings = Vec::new();
    for (key, value) in in_order(device, settings)? {
        let old = key.get(device)?;
        if old == value {
            continue;
        }
        if let Err(error) = key.set(device, &value) {
            let failure = key.refusal(device, &value, system.ram(), &error);
            for (key, old) in done.iter().rev() {
                let _ = key.set(device, old);
            }
            return Err(failure);
        }
        done.push((key, old));
    }
    Ok(())
}

/// Changes those that can be changed. Returns for each other one why it can't.
///
/// # Errors
///
/// The device can't be read.
pub fn apply_what_can_be(
    system: &System,
    device: &Device,
    settings: &Settings,
) -> Result<Vec<Failure>, Failure> {
    let mut refused = Vec::new();
    for (key, value) in in_order(device, settings)? {
        let old = known(key.get(device))?;
        if old.as_ref() == Some(&value) {
            continue;
        }
        let Err(error) = key.set(device, &value) else {
            continue;
        };
        let failure = key.refusal(device, &value, system.ram(), &error);
        let old = old.map_or("?".to_owned(), |old| match old.parse() {
            Ok(bytes) if key.is_size() => size::exact(bytes),
            _ => old,
        });
        let sentence = format!("{}; it stays {old}", failure.sentence);
        refused.push(Failure {
            sentence,
            ..failure
        });
    }
    Ok(refused)
}

/// One setting alone, or all of them, one on each line, as [`parse`] reads them.
///
/// # Errors
///
/// There is no setting with that name.
pub fn show(device: &Device, key: Option<&str>, style: Style) -> Result<String, Failure> {
    let value = |key: Key| -> Result<String, Failure> {
        let Some(text) = known(key.get(device))? else {
            return Ok("?".to_owned());
        };
        Ok(match text.parse() {
            Ok(bytes) if key.is_size() && style == Style::Human => size::exact(bytes),
            _ => text,
        })
    };
    if let Some(name) = key {
        return Ok(format!("{}\n", value(Key::from_name(name)?)?));
    }
    let mut text = String::new();
    for key in Key::ALL {
        text.push_str(&format!("{}={}\n", key.name(), value(key)?));
    }
    Ok(text)
}

/// All settings. Sizes are in bytes.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Document {
    /// Version of this document.
    pub version: u32,
    /// By attribute; `null` if the module does not tell.
    pub settings: BTreeMap<String, Option<Setting>>,
}

/// A number of bytes or percent, or a name.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Setting {
    /// A number.
    Number(u64),
    /// A name.
    Name(String),
}

/// All settings, for scripts.
///
/// # Errors
///
/// They can't be read.
pub fn document(device: &Device) -> Result<Document, Failure> {
    let setting = |key: Key| -> Result<_, Failure> {
        let value = known(key.get(device))?.map(|text| match text.parse() {
            Ok(number) => Setting::Number(number),
            Err(_) => Setting::Name(text),
        });
        Ok((key.name().to_owned(), value))
    };
    Ok(Document {
        version: 1,
        settings: Key::ALL
            .into_iter()
            .map(setting)
            .collect::<Result<_, _>>()?,
    })
}
