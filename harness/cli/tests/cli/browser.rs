//! The pages in a real browser.

mod devtools;

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde_json::Value;

use crate::kit::{Lab, folder, say, spoiling};
use devtools::Browser;

/// A browser that shows the page, unless there is none on this machine.
fn shown(page: &Path) -> Option<Browser> {
    let Some(mut browser) = Browser::start() else {
        skipped();
        return None;
    };
    browser.open(page);
    Some(browser)
}

fn skipped() {
    let mut stderr = io::stderr();
    writeln!(stderr, "skipped: needs chromium").unwrap();
}

/// The ids of the rows that are to be seen.
fn visible(browser: &mut Browser) -> BTreeSet<String> {
    let ids = browser.eval(
        "[...document.querySelectorAll('#rows > *')].filter((row) => row.checkVisibility()).map((row) => row.dataset.id)",
    );
    let ids = ids.as_array().unwrap().iter();
    ids.map(|id| id.as_str().unwrap().to_owned()).collect()
}

/// Chooses a value as a hand would, and lets the page know.
fn choose(browser: &mut Browser, name: &str, value: &str) {
    browser.eval(&format!(
        "(() => {{ const select = document.querySelector('[name={name}]'); select.value = '{value}'; \
         select.dispatchEvent(new Event('input', {{bubbles: true}})); return select.value === '{value}'; }})()"
    ));
}

/// Every value of every filter shows the rows that `of` says have it, and no others.
fn filters_work(
    browser: &mut Browser,
    names: &[&str],
    of: impl Fn(&str, &str) -> BTreeSet<String>,
) {
    let all = visible(browser);
    assert!(all.len() > 10, "{}", all.len());
    for name in names {
        let values = browser.eval(&format!(
            "[...document.querySelector('[name={name}]').options].map((option) => option.value)"
        ));
        let values = values.as_array().unwrap().clone();
        assert!(values.len() > 2, "{name}: {values:?}");
        for value in values.iter().filter_map(Value::as_str) {
            choose(browser, name, value);
            let expected = if value.is_empty() {
                all.clone()
            } else {
                of(name, value)
            };
            assert_eq!(visible(browser), expected, "{name} {value}");
            let told = browser.eval("document.getElementById('shown').textContent");
            let told = told.as_str().unwrap().to_owned();
            assert_eq!(told, format!("{} of {} shown", expected.len(), all.len()));
        }
        choose(browser, name, "");
    }
}

/// By keyboard alone: every filter is reached in its order, changed and typed into, and then comes what follows them.
fn keys_reach_everything(browser: &mut Browser, names: &[&str], part_of_an_id: &str, then: &str) {
    let focused = "document.activeElement.name || document.activeElement.tagName";
    for name in names {
        browser.press("Tab");
        assert_eq!(browser.eval(focused), *name);
        let visible_focus =
            browser.eval("getComputedStyle(document.activeElement).outlineStyle !== 'none'");
        assert_eq!(
            visible_focus, true,
            "{name} does not show that it has the focus"
        );
    }
    browser.press("Tab");
    assert_eq!(browser.eval(focused), "id");
    for character in part_of_an_id.chars() {
        browser.press(&character.to_string());
    }
    let found = visible(browser);
    assert!(
        !found.is_empty() && found.iter().all(|id| id.contains(part_of_an_id)),
        "{found:?}"
    );
    browser.eval("document.querySelector('[name=id]').select()");
    browser.press("Tab");
    assert_eq!(browser.eval(focused), then);
    if then == "SUMMARY" {
        let open = "document.activeElement.parentElement.open";
        let before = browser.eval(open);
        browser.press("Enter");
        assert_ne!(browser.eval(open), before);
    }
}

/// Text and ground of everything that has a colour differ enough, in light and in dark. Source: WCAG 2.2, 1.4.3.
fn is_readable_in_light_and_dark(browser: &mut Browser) {
    let mut grounds = BTreeSet::new();
    for scheme in ["light", "dark"] {
        browser.prefer(scheme);
        let ground = browser.eval("getComputedStyle(document.body).backgroundColor");
        grounds.insert(ground.to_string());
        let dim = browser.eval(CONTRASTS);
        assert_eq!(dim, serde_json::json!([]), "{scheme}");
    }
    assert_eq!(grounds.len(), 2, "{grounds:?}");
}

/// Colours with less contrast to their ground than 4.5 to 1.
const CONTRASTS: &str = r"(() => {
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\d.]+/g).slice(0, 3).map((part) => {
      const c = Number(part) / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (!/, 0\)$/.test(colour)) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const dim = new Set();
  for (const element of document.querySelectorAll('body, body *')) {
    if (['SCRIPT', 'OPTION', 'STYLE'].includes(element.tagName)) continue;
    const [text, back] = [light(getComputedStyle(element).color), light(ground(element))];
    const ratio = (Math.max(text, back) + 0.05) / (Math.min(text, back) + 0.05);
    if (ratio < 4.5) dim.add(`${element.tagName}.${element.className}: ${ratio.toFixed(2)}`);
  }
  return [...dim];
})()";

/// The page asked nobody for anything, and had nothing to complain of.
fn was_quiet(browser: &Browser, page: &Path) {
    let page = format!("file://{}", page.display());
    for event in &browser.events {
        let method = event["method"].as_str().unwrap_or_default();
        let loud = match method {
            "Network.requestWillBeSent" => {
                let url = event["params"]["request"]["url"].as_str().unwrap();
                url != page && !url.starts_with("data:")
            }
            "Runtime.exceptionThrown" | "Runtime.consoleAPICalled" | "Log.entryAdded" => true,
            _ => false,
        };
        assert!(!loud, "{event}");
    }
    let asked = |event: &&Value| event["method"] == "Network.requestWillBeSent";
    assert!(
        browser.events.iter().any(|event| asked(&event)),
        "nothing was watched"
    );
}

/// The results of a report by which a filter chooses.
fn having(report: &Value, list: &str, id: &str, key: &str, value: &str) -> BTreeSet<String> {
    let rows = report[list].as_array().unwrap().iter();
    rows.filter(|row| match &row[key] {
        Value::Array(values) => values.iter().any(|one| one == value),
        one => one == value,
    })
    .map(|row| row[id].as_str().unwrap().to_owned())
    .collect()
}

fn read(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

#[test]
fn the_page_of_a_run_works_in_a_browser() {
    let folder = folder();
    let lab = Lab::serve(folder.path(), "");
    let host = spoiling(lab.address, |octets| octets[3] |= 0x08);
    let line = format!(
        "run {host} --suite bind --suite crypto --suite policy --report html=a.html --report json=a.json"
    );
    let said = say(folder.path(), &line);
    assert_eq!(said.code, Some(1), "{said:?}");
    let page = folder.path().join("a.html");
    let Some(mut browser) = shown(&page) else {
        return;
    };
    let report = read(&folder.path().join("a.json"));
    let names = ["suite", "verdict", "level"];
    filters_work(&mut browser, &names, |name, value| {
        having(&report, "results", "id", name, value)
    });
    keys_reach_everything(&mut browser, &names, "pid", "SUMMARY");
    is_readable_in_light_and_dark(&mut browser);
    was_quiet(&browser, &page);
}

#[test]
fn the_page_of_a_comparison_works_in_a_browser() {
    let folder = folder();
    let lab = Lab::serve(folder.path(), "");
    let host = spoiling(lab.address, |octets| octets[3] |= 0x08);
    say(
        folder.path(),
        "run --suite bind --suite crypto --report json=a.json",
    );
    say(
        folder.path(),
        &format!("run {host} --suite bind --suite crypto --report json=b.json"),
    );
    let said = say(
        folder.path(),
        "compare a.json b.json --report html=c.html --report json=c.json",
    );
    assert_eq!(said.code, Some(1), "{said:?}");
    let page = folder.path().join("c.html");
    let Some(mut browser) = shown(&page) else {
        return;
    };
    let comparison = read(&folder.path().join("c.json"));
    filters_work(
        &mut browser,
        &["suite", "verdict", "level"],
        |name, value| {
            let key = if name == "verdict" { "verdicts" } else { name };
            having(&comparison, "requirements", "id", key, value)
        },
    );
    is_readable_in_light_and_dark(&mut browser);
    was_quiet(&browser, &page);
}

#[test]
fn the_page_of_a_self_test_works_in_a_browser() {
    let folder = folder();
    let line = "self-test --suite bind --fault bind* --fault v4* --fault v6* --report html=a.html --report json=a.json";
    let said = say(folder.path(), line);
    assert_ne!(said.code, Some(2), "{said:?}");
    let page = folder.path().join("a.html");
    let Some(mut browser) = shown(&page) else {
        return;
    };
    let matrix = read(&folder.path().join("a.json"));
    filters_work(&mut browser, &["area"], |name, value| {
        having(&matrix, "faults", "name", name, value)
    });
    is_readable_in_light_and_dark(&mut browser);
    was_quiet(&browser, &page);
}
