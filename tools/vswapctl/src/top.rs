// SPDX-License-Identifier: GPL-2.0-only

//! `top`: the device live, with small charts.

use crate::bar;
use crate::cli;
use crate::failure::{failed, usage, Failure};
use crate::look::Look;
use crate::size;
use crate::snapshot::{Kind, Rates, Snapshot};
use crate::system::System;
use anstyle::{AnsiColor, Style as AnsiStyle};
use crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Sparkline};
use ratatui::{Frame, Terminal};
use std::collections::VecDeque;
use std::env;
use std::io::IsTerminal;
use std::thread;
use std::time::{Duration, Instant};
use vswap_sysfs::{Device, State};

/// As many columns as the widest chart can have.
const HISTORY: usize = 400;

/// What is shown: the last reading, and the rates up to it.
pub struct Top {
    look: Look,
    snapshot: Snapshot,
    history: VecDeque<Rates>,
    is_paused: bool,
}

impl Top {
    /// Begins with that reading.
    pub fn new(look: Look, snapshot: Snapshot) -> Self {
        Self {
            look,
            snapshot,
            history: VecDeque::new(),
            is_paused: false,
        }
    }

    /// Goes on to the next reading.
    pub fn advance(&mut self, next: Snapshot) {
        self.push(Rates::between(&self.snapshot, &next));
        self.snapshot = next;
    }

    /// Adds rates, as those of the last interval.
    pub fn push(&mut self, rates: Rates) {
        self.history.push_back(rates);
        if self.history.len() > HISTORY {
            self.history.pop_front();
        }
    }

    fn style(&self, colour: AnsiColor) -> Style {
        if self.look.colour {
            Style::new().fg(colour_of(colour))
        } else {
            Style::new()
        }
    }

    fn draw(&self, frame: &mut Frame<'_>) {
        let area = frame.area();
        let parts = self.snapshot.parts();
        let shown = parts
            .iter()
            .filter(|part| part.kind != Kind::Lost || part.holds > 0)
            .count();
        let rows = u16::try_from(shown).unwrap_or(u16::MAX);
        let [head, bars, table, facts, charts, foot] = Layout::vertical([
            Constraint::Length(2),
            Constraint::Length(2),
            Constraint::Length(rows + 1),
            Constraint::Length(3),
            Constraint::Min(4),
            Constraint::Length(1),
        ])
        .areas(area);
        self.draw_head(frame, head);
        self.draw_bar(frame, bars);
        self.draw_table(frame, table);
        self.draw_facts(frame, facts);
        self.draw_charts(frame, charts);
        let mut keys = vec![
            Span::styled("q", Style::new().add_modifier(Modifier::BOLD)),
            Span::raw(" quit  "),
            Span::styled("p", Style::new().add_modifier(Modifier::BOLD)),
            Span::raw(" pause"),
        ];
        if self.is_paused {
            keys.push(Span::styled("  paused", self.style(AnsiColor::Red)));
        }
        frame.render_widget(Line::from(keys), foot);
    }

    fn draw_head(&self, frame: &mut Frame<'_>, area: Rect) {
        let used = self.snapshot.used();
        let state = match &self.snapshot.swap {
            Some(swap) => Span::raw(format!("  swapped on, priority {}, ", swap.priority)),
            None => Span::styled("  not swapped on, ", self.style(AnsiColor::Red)),
        };
        let name = Span::styled(
            self.snapshot.node,
            Style::new().add_modifier(Modifier::BOLD),
        );
        let lines = vec![
            Line::from(vec![
                name,
                state,
                Span::raw(self.snapshot.algorithm.as_str()),
            ]),
            Line::raw(format!(
                "{} of {} swapped out, {}; {} of memory saved",
                size::human(used),
                size::human(self.snapshot.size),
                size::percent(used, self.snapshot.size),
                size::human(self.snapshot.saved())
            )),
        ];
        frame.render_widget(Paragraph::new(lines), area);
    }

    fn draw_bar(&self, frame: &mut Frame<'_>, area: Rect) {
        let parts = self.snapshot.parts();
        let amounts: Vec<u64> = parts.iter().map(|part| part.holds).collect();
        let width = usize::from(area.width);
        let cells = bar::cells(&amounts, 0, width);
        let mut spans = Vec::new();
        for ((key, colour), count) in bar::keys(&parts).into_iter().zip(&cells) {
            let run = bar::sign(self.look, key).to_string().repeat(*count);
            spans.push(Span::styled(run, self.style(colour)));
        }
        let rest = if self.look.utf8 { "─" } else { "-" };
        spans.push(Span::raw(
            rest.repeat(width.saturating_sub(cells.iter().sum())),
        ));
        frame.render_widget(Line::from(spans), area);
    }

    fn draw_table(&self, frame: &mut Frame<'_>, area: Rect) {
        let parts = self.snapshot.parts();
        let used = self.snapshot.used();
        let name_width = usize::from(area.width).saturating_sub(52).clamp(16, 40);
        let bar_width = usize::from(area.width)
            .saturating_sub(name_width + 52)
            .min(40);
        let heading = format!(
            "  {:<name_width$} {:>7} {:>5} {:>7}",
            "where", "data", "", "takes"
        );
        let mut lines = vec![Line::styled(
            heading,
            Style::new().add_modifier(Modifier::BOLD),
        )];
        for (part, (key, colour)) in parts.iter().zip(bar::keys(&parts)) {
            if part.kind == Kind::Lost && part.holds == 0 {
                continue;
            }
            let length = part.name.chars().count();
            let name: String = part
                .name
                .chars()
                .skip(length.saturating_sub(name_width))
                .collect();
            let mut spans = vec![
                Span::styled(bar::sign(self.look, key).to_string(), self.style(colour)),
                Span::raw(format!(
                    " {name:<name_width$} {:>7} {:>5} {:>7}",
                    size::human(part.holds),
                    size::percent(part.holds, used),
                    size::human(part.takes)
                )),
            ];
            if let Some(disk) = &part.disk {
                let full = bar::cells(&[disk.used], disk.size, bar_width)[0];
                let (block, rest) = if self.look.utf8 {
                    ("█", "─")
                } else {
                    ("#", "-")
                };
                spans.push(Span::raw(format!(" of {:<5} ", size::human(disk.size))));
                spans.push(Span::styled(block.repeat(full), self.style(colour)));
                spans.push(Span::raw(rest.repeat(bar_width - full)));
                match (&disk.state, disk.removal) {
                    (State::Draining, Some(progress)) => spans.push(Span::raw(format!(
                        " leaving {}",
                        size::percent(progress.moved, progress.total)
                    ))),
                    (State::Active, _) => {}
                    (state, _) => spans.push(Span::styled(
                        format!(" {state}"),
                        self.style(AnsiColor::Red),
                    )),
                }
            } else if let Some(ratio) =
                size::ratio(part.holds, part.takes).filter(|_| part.kind == Kind::Ram)
            {
                spans.push(Span::raw(format!(" {ratio}:1")));
            }
            lines.push(Line::from(spans));
        }
        frame.render_widget(Paragraph::new(lines), area);
    }

    fn draw_facts(&self, frame: &mut Frame<'_>, area: Rect) {
        let pool = self.snapshot.stat.pool_bytes();
        let limit = self.snapshot.ram_limit;
        let width = if area.width >= 120 { 40 } else { 20 };
        let full = bar::cells(&[pool], limit, width)[0];
        let (block, rest) = if self.look.utf8 {
            ("█", "─")
        } else {
            ("#", "-")
        };
        let line = Line::from(vec![
            Span::raw("memory "),
            Span::styled(block.repeat(full), self.style(AnsiColor::Green)),
            Span::raw(rest.repeat(width - full)),
            Span::raw(format!(
                " {} of {}, {}; tables {}",
                size::human(pool),
                size::human(limit),
                size::percent(pool, limit),
                size::human(self.snapshot.stat.metadata_bytes())
            )),
        ]);
        let inner = Rect {
            y: area.y + 1,
            height: 1,
            ..area
        };
        frame.render_widget(line, inner);
    }

    fn draw_charts(&self, frame: &mut Frame<'_>, area: Rect) {
        type Rate = fn(&Rates) -> u64;
        // Four: side by side when there is room for it, otherwise in two rows.
        let charts: [(&str, bool, AnsiColor, Rate); 4] = [
            ("out (all swap)", false, AnsiColor::Green, |rates| rates.out),
            ("read back", false, AnsiColor::Cyan, |rates| {
                rates.same_in + rates.ram_in + rates.disk_in
            }),
            ("written back", true, AnsiColor::BrightBlue, |rates| {
                rates.written_back
            }),
            ("disks, both ways", true, AnsiColor::Magenta, |rates| {
                rates.disk_read + rates.disk_written
            }),
        ];
        let columns = if area.width >= 120 { 4 } else { 2 };
        let rows = Layout::vertical(vec![Constraint::Fill(1); charts.len() / columns]).split(area);
        let mut areas = Vec::new();
        for row in rows.iter() {
            areas.extend_from_slice(
                &Layout::horizontal(vec![Constraint::Fill(1); columns])
                    .spacing(2)
                    .split(*row),
            );
        }
        for ((title, is_bytes, colour, rate), area) in charts.into_iter().zip(areas) {
            let values: Vec<u64> = self.history.iter().map(rate).collect();
            let last = values.last().copied().unwrap_or(0);
            let short = |value: u64| {
                if is_bytes {
                    size::human(value)
                } else {
                    size::count(value)
                }
            };
            let unit = if is_bytes { "/s" } else { " p/s" };
            let from = values.len().saturating_sub(usize::from(area.width));
            let most = values[from..].iter().copied().max().unwrap_or(0);
            let [name, chart] =
                Layout::vertical([Constraint::Length(1), Constraint::Min(1)]).areas(area);
            let line = Line::from(vec![
                Span::styled(title, Style::new().add_modifier(Modifier::BOLD)),
                Span::raw(format!("  {}{unit}", short(last))),
                Span::styled(
                    format!(", max {}", short(most)),
                    Style::new().add_modifier(Modifier::DIM),
                ),
            ]);
            frame.render_widget(line, name);
            let set = if self.look.utf8 {
                symbols::bar::NINE_LEVELS
            } else {
                ASCII
            };
            let sparkline = Sparkline::default()
                .data(&values[from..])
                .bar_set(set)
                .max(most.max(1))
                .style(self.style(colour));
            frame.render_widget(sparkline, chart);
        }
    }

    /// One frame as text.
    ///
    /// # Errors
    ///
    /// It is too small.
    pub fn frame(&self, width: u16, height: u16) -> Result<String, Failure> {
        let refused = |error: std::io::Error| failed(format!("nothing can be drawn: {error}"));
        let mut terminal = Terminal::new(TestBackend::new(width, height)).map_err(refused)?;
        terminal.draw(|frame| self.draw(frame)).map_err(refused)?;
        Ok(text_of(terminal.backend().buffer(), self.look))
    }
}

const ASCII: symbols::bar::Set = symbols::bar::Set {
    full: "#",
    seven_eighths: "#",
    three_quarters: "#",
    five_eighths: "+",
    half: "+",
    three_eighths: "-",
    one_quarter: "-",
    one_eighth: ".",
    empty: " ",
};

fn colour_of(colour: AnsiColor) -> Color {
    match colour {
        AnsiColor::Red => Color::Red,
        AnsiColor::Green => Color::Green,
        AnsiColor::Yellow => Color::Yellow,
        AnsiColor::Blue => Color::Blue,
        AnsiColor::Magenta => Color::Magenta,
        AnsiColor::Cyan => Color::Cyan,
        AnsiColor::BrightBlue => Color::LightBlue,
        AnsiColor::BrightMagenta => Color::LightMagenta,
        _ => Color::Reset,
    }
}

fn ansi_of(colour: Color) -> Option<AnsiColor> {
    Some(match colour {
        Color::Red => AnsiColor::Red,
        Color::Green => AnsiColor::Green,
        Color::Yellow => AnsiColor::Yellow,
        Color::Blue => AnsiColor::Blue,
        Color::Magenta => AnsiColor::Magenta,
        Color::Cyan => AnsiColor::Cyan,
        Color::LightBlue => AnsiColor::BrightBlue,
        Color::LightMagenta => AnsiColor::BrightMagenta,
        _ => return None,
    })
}

/// What was drawn, as lines of text with their styles.
fn text_of(buffer: &Buffer, look: Look) -> String {
    let width = usize::from(buffer.area.width).max(1);
    let mut text = String::new();
    for row in buffer.content.chunks(width) {
        let mut line = String::new();
        for run in row.chunk_by(|a, b| a.fg == b.fg && a.modifier == b.modifier) {
            let symbols: String = run.iter().map(ratatui::buffer::Cell::symbol).collect();
            let mut style = AnsiStyle::new().fg_color(ansi_of(run[0].fg).map(Into::into));
            if run[0].modifier.contains(Modifier::BOLD) {
                style = style.bold();
            }
            if run[0].modifier.contains(Modifier::DIM) {
                style = style.dimmed();
            }
            line.push_str(&if style.is_plain() {
                symbols
            } else {
                look.paint(style, &symbols)
            });
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Does it.
///
/// # Errors
///
/// There is no terminal, or the module is not loaded or goes.
pub fn run(system: &System, look: Look, options: &cli::Top) -> Result<String, Failure> {
    let device = system.device()?;
    let mut top = Top::new(look, Snapshot::take(system, &device)?);
    if options.once {
        thread::sleep(options.interval);
        top.advance(Snapshot::take(system, &device)?);
        let lines = env::var("LINES")
            .ok()
            .and_then(|lines| lines.parse().ok())
            .unwrap_or(24u16);
        return top.frame(
            u16::try_from(look.width).unwrap_or(80),
            lines.clamp(10, 200),
        );
    }
    if !std::io::stdout().is_terminal() {
        return Err(usage(
            "top needs a terminal; --once prints one frame as text",
        ));
    }
    let mut terminal = ratatui::try_init()
        .map_err(|error| failed(format!("the terminal can't be used: {error}")))?;
    let result = live(&mut terminal, &mut top, system, &device, options.interval);
    ratatui::restore();
    result.map(|()| String::new())
}

fn live(
    terminal: &mut ratatui::DefaultTerminal,
    top: &mut Top,
    system: &System,
    device: &Device,
    interval: Duration,
) -> Result<(), Failure> {
    let broken = |error: std::io::Error| failed(format!("the terminal can't be used: {error}"));
    let mut next = Instant::now() + interval;
    loop {
        terminal.draw(|frame| top.draw(frame)).map_err(broken)?;
        let wait = next.saturating_duration_since(Instant::now());
        if event::poll(wait).map_err(broken)? {
            if let Event::Key(key) = event::read().map_err(broken)? {
                let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
                match key.code {
                    _ if key.kind != KeyEventKind::Press => {}
                    KeyCode::Char('q') | KeyCode::Esc => return Ok(()),
                    KeyCode::Char('c') if is_control => return Ok(()),
                    KeyCode::Char('p') => top.is_paused = !top.is_paused,
                    _ => {}
                }
            }
            continue;
        }
        next = Instant::now() + interval;
        if !top.is_paused {
            top.advance(Snapshot::take(system, device)?);
        }
    }
}
