// SPDX-License-Identifier: GPL-2.0-only

//! `top`: shows the device live, with small charts.

use crate::bar;
use crate::cli;
use crate::failure::{failed, usage, Failure};
use crate::look::{self, Look};
use crate::out::printable;
use crate::size;
use crate::snapshot::{Kind, Rates, Snapshot};
use crate::system::{Pressure, System};
use anstyle::{AnsiColor, Style as AnsiStyle};
use crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use crossterm::execute;
use crossterm::terminal::{self, Clear, ClearType, EnterAlternateScreen};
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Sparkline};
use ratatui::{DefaultTerminal, Frame, Terminal, TerminalOptions, Viewport};
use schemars::JsonSchema;
use serde::Serialize;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGTSTP};
use signal_hook::low_level::emulate_default_handler;
use std::collections::VecDeque;
use std::env;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use vswap_sysfs::{Device, State};

/// As many columns as the widest chart can have.
const HISTORY: usize = 400;

/// The present rates, for scripts.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Document {
    /// Version of this document.
    pub version: u32,
    /// The length of the interval in seconds.
    pub seconds: f64,
    /// What happened, for each second.
    pub rates: Rates,
    /// The share of time in which programs wait for memory, if the kernel tells.
    pub pressure: Option<Pressure>,
}

/// A signal that the main loop does not take within this time ends the program.
const UNTAKEN: Duration = Duration::from_secs(1);

/// How long a key or a signal may have to wait.
const MOMENT: Duration = Duration::from_millis(200);

/// What is shown: the last reading, and the rates before it.
pub struct Top {
    look: Look,
    interval: Duration,
    snapshot: Snapshot,
    history: VecDeque<Rates>,
    is_paused: bool,
}

impl Top {
    /// Begins with that reading. Further readings follow at that interval.
    pub fn new(look: Look, snapshot: Snapshot, interval: Duration) -> Self {
        Self {
            look,
            interval,
            snapshot,
            history: VecDeque::new(),
            is_paused: false,
        }
    }

    /// Advances to the next reading.
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
        let removals = u16::try_from(self.removals().len()).unwrap_or(u16::MAX);
        let [head, bars, table, facts, charts, foot] = Layout::vertical([
            Constraint::Length(2),
            Constraint::Length(2),
            Constraint::Length(rows + 1),
            Constraint::Length(4 + removals),
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
            Span::raw(" pause  "),
            Span::styled("Ctrl-Z", Style::new().add_modifier(Modifier::BOLD)),
            Span::raw(" suspend"),
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
                Span::raw(self.snapshot.algorithm.as_deref().unwrap_or("?")),
            ]),
            Line::raw(format!(
                "{} of {} swapped out{}; {} of memory saved",
                size::human(used),
                size::Style::Human.show_known(self.snapshot.size),
                self.snapshot.size.map_or(String::new(), |size| format!(
                    ", {}",
                    size::percent(used, size)
                )),
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
        let least = if area.width < 60 { 10 } else { 16 };
        let name_width = usize::from(area.width).saturating_sub(52).clamp(least, 40);
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
            let name = self.look.shortened(&part.name, name_width);
            let mut spans = vec![
                Span::styled(bar::sign(self.look, key).to_string(), self.style(colour)),
                Span::raw(format!(
                    " {name} {:>7} {:>5} {:>7}",
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
                // Without room for a bar, the little there is goes to the disk's unusual state.
                if bar_width > 0 || disk.state == State::Active {
                    spans.push(Span::raw(format!(" of {:<5} ", size::human(disk.size))));
                }
                spans.push(Span::styled(block.repeat(full), self.style(colour)));
                spans.push(Span::raw(rest.repeat(bar_width - full)));
                match (&disk.state, disk.removal) {
                    (State::Draining, Some(progress)) => spans.push(Span::raw(format!(
                        " leaving {}",
                        size::percent(progress.moved, progress.total)
                    ))),
                    (State::Active, _) => {}
                    (state, _) => spans.push(Span::styled(
                        format!(" {}", printable(&state.to_string())),
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

    /// The share of pages read back that came from memory, since the start.
    fn share_from_memory(&self) -> Option<String> {
        let sum =
            |rate: fn(&Rates) -> u64| self.history.iter().map(rate).fold(0, u64::saturating_add);
        let all = sum(Rates::back);
        (all > 0).then(|| size::percent(all - sum(|rates| rates.disk_in).min(all), all))
    }

    /// A line for each disk that is being removed.
    fn removals(&self) -> Vec<String> {
        let drained = self.history.back().map_or(0, |rates| rates.drained);
        let line = |(disk, file): &(vswap_sysfs::Tier, Option<String>)| {
            let progress = disk.removal.filter(|_| disk.state == State::Draining)?;
            let left = progress.total.saturating_sub(progress.moved);
            let time = left.checked_div(drained).map_or(String::new(), |seconds| {
                let time = size::time(Duration::from_secs(seconds));
                format!(", {}/s, {time} left", size::human(drained))
            });
            Some(format!(
                "removal {} of {} moved{time}: {}",
                size::human(progress.moved),
                size::human(progress.total),
                printable(file.as_ref().unwrap_or(&disk.path))
            ))
        };
        self.snapshot.disks.iter().filter_map(line).collect()
    }

    fn draw_facts(&self, frame: &mut Frame<'_>, area: Rect) {
        let pool = self.snapshot.stat.pool_bytes();
        let limit = self.snapshot.ram_limit.unwrap_or(0);
        let width = match area.width {
            120.. => 40,
            60.. => 20,
            _ => 10,
        };
        let marks = [self.snapshot.low_mark(), self.snapshot.high_mark()];
        let marks = if self.snapshot.disks.is_empty() {
            &[][..]
        } else {
            &marks
        };
        let (full, free) = bar::gauge(self.look, pool, limit, width, marks);
        let memory = Line::from(vec![
            Span::raw("memory  "),
            Span::styled(full, self.style(AnsiColor::BrightBlue)),
            Span::raw(free),
            Span::raw(format!(
                " {} of {}{}; tables {}",
                size::human(pool),
                size::Style::Human.show_known(self.snapshot.ram_limit),
                self.snapshot
                    .ram_limit
                    .map_or(String::new(), |limit| format!(
                        ", {}",
                        size::percent(pool, limit)
                    )),
                size::human(self.snapshot.stat.metadata_bytes())
            )),
        ]);
        let hits = match self.share_from_memory() {
            Some(share) => format!("hits    {share} of the pages read back came from memory"),
            None => "hits    nothing has been read back yet".to_owned(),
        };
        let waits = self.snapshot.pressure.map_or(String::new(), |pressure| {
            format!(
                "; waiting for memory {:.0}% (all: {:.0}%)",
                pressure.some, pressure.full
            )
        });
        let mut lines = vec![Line::raw(""), memory, Line::raw(hits + &waits)];
        lines.extend(self.removals().into_iter().map(Line::raw));
        frame.render_widget(Paragraph::new(lines), area);
    }

    fn draw_charts(&self, frame: &mut Frame<'_>, area: Rect) {
        type Rate = fn(&Rates) -> u64;
        // Four charts: side by side if there is room, otherwise in two rows.
        let charts: [(&str, bool, AnsiColor, Rate); 4] = [
            ("out (all swap)", false, AnsiColor::BrightBlue, |rates| {
                rates.out
            }),
            ("read back", false, AnsiColor::Cyan, |rates| rates.back()),
            ("written back", true, AnsiColor::Magenta, |rates| {
                rates.written_back
            }),
            (
                "disks, both ways",
                true,
                AnsiColor::BrightMagenta,
                |rates| rates.disk_read.saturating_add(rates.disk_written),
            ),
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
            let has_axis = area.height >= 3;
            let [name, chart, axis] = Layout::vertical([
                Constraint::Length(1),
                Constraint::Min(1),
                Constraint::Length(u16::from(has_axis)),
            ])
            .areas(area);
            let now = format!("{}{unit}", short(last));
            let shown = short(most);
            // A number that does not fit is left out: cut off, it would be another number.
            let (now, shown) = [
                (format!("  {now}"), format!(", max {shown}")),
                (format!("  {now}"), format!(" of {shown}")),
                (format!(" {now}"), format!(" of {shown}")),
            ]
            .into_iter()
            .find(|(now, most)| title.len() + now.len() + most.len() <= usize::from(area.width))
            .unwrap_or((format!(" {now}"), String::new()));
            let line = Line::from(vec![
                Span::styled(title, Style::new().add_modifier(Modifier::BOLD)),
                Span::raw(now),
                Span::styled(shown, Style::new().add_modifier(Modifier::DIM)),
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
            if has_axis {
                let line = Line::styled(
                    self.axis(usize::from(area.width)),
                    Style::new().add_modifier(Modifier::DIM),
                );
                frame.render_widget(line, axis);
            }
        }
    }

    /// The time axis below a chart of that width. Each column is an interval, and the chart fills from
    /// the left.
    fn axis(&self, width: usize) -> String {
        let shown = self.history.len().min(width);
        let steps = u32::try_from(shown.saturating_sub(1)).unwrap_or(u32::MAX);
        let began = size::time(self.interval.saturating_mul(steps));
        let left = format!("{}{began} ago", if self.look.utf8 { "└" } else { "|" });
        let right = if self.look.utf8 { "now┘" } else { "now|" };
        if shown < left.len() + right.len() {
            return right.to_owned();
        }
        let blanks = shown - look::columns(&left) - look::columns(right);
        left + &" ".repeat(blanks) + right
    }

    /// One frame as text.
    ///
    /// # Errors
    ///
    /// The frame is too small.
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
        // A wide character occupies the next cell as well.
        let mut hidden = 0;
        let cells: Vec<&Cell> = row
            .iter()
            .filter(|cell| {
                if hidden > 0 {
                    hidden -= 1;
                    return false;
                }
                hidden = look::columns(cell.symbol()).saturating_sub(1);
                true
            })
            .collect();
        for run in cells.chunk_by(|a, b| a.fg == b.fg && a.modifier == b.modifier) {
            let symbols: String = run.iter().map(|cell| cell.symbol()).collect();
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

/// Runs the command.
///
/// # Errors
///
/// There is no terminal, or the module is not loaded or disappears.
pub fn run(system: &System, look: Look, options: &cli::Top) -> Result<String, Failure> {
    let device = system.device()?;
    let mut top = Top::new(look, Snapshot::take(system, &device)?, options.interval);
    if options.once {
        thread::sleep(options.interval);
        top.advance(Snapshot::take(system, &device)?);
        if options.json {
            return crate::json::text(&Document {
                version: 1,
                seconds: options.interval.as_secs_f64(),
                rates: top.history.back().copied().unwrap_or_default(),
                pressure: top.snapshot.pressure,
            });
        }
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
    let signals = Signals::new()?;
    let broken = |error: std::io::Error| failed(format!("the terminal can't be used: {error}"));
    let mut next = Instant::now() + options.interval;
    loop {
        let mut terminal = screen().map_err(broken)?;
        let ended = live(
            &mut terminal,
            &mut top,
            system,
            &device,
            &mut next,
            &signals,
        );
        drop(terminal);
        // The next program must find the terminal as it was.
        let _ = ratatui::try_restore();
        match ended? {
            End::Quit => return Ok(String::new()),
            // The parent process must see which signal ended or stopped this one.
            End::Signal(signal) => {
                let _ = emulate_default_handler(signal);
            }
        }
    }
}

/// Takes over the terminal's screen. A serial line does not tell its size; without one nothing would be
/// drawn.
fn screen() -> std::io::Result<DefaultTerminal> {
    let viewport = match terminal::size() {
        Ok((0, _) | (_, 0)) => Viewport::Fixed(Rect::new(0, 0, 80, 24)),
        _ => Viewport::Fullscreen,
    };
    let screen = ratatui::try_init_with_options(TerminalOptions { viewport })?;
    execute!(
        std::io::stdout(),
        EnterAlternateScreen,
        Clear(ClearType::All)
    )?;
    Ok(screen)
}

/// Why the screen is given back.
enum End {
    Quit,
    Signal(i32),
}

/// The last signal that came, of those that end or stop a program.
struct Signals(Arc<AtomicUsize>);

impl Signals {
    fn new() -> Result<Self, Failure> {
        let last = Arc::new(AtomicUsize::new(0));
        for signal in [SIGHUP, SIGINT, SIGTERM, SIGTSTP] {
            let number = usize::try_from(signal).unwrap_or(0);
            signal_hook::flag::register_usize(signal, last.clone(), number)
                .map_err(|error| failed(format!("signals can't be handled: {error}")))?;
        }
        let mut ends = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM])
            .map_err(|error| failed(format!("signals can't be handled: {error}")))?;
        let untaken = last.clone();
        thread::spawn(move || {
            for signal in ends.forever() {
                thread::sleep(UNTAKEN);
                // When its terminal is gone, crossterm retries its reads for ever, and the main loop
                // takes no signal.
                if untaken.load(Ordering::Relaxed) != 0 {
                    let _ = ratatui::try_restore();
                    let _ = emulate_default_handler(signal);
                }
            }
        });
        Ok(Self(last))
    }

    fn take(&self) -> Option<End> {
        let signal = self.0.swap(0, Ordering::Relaxed);
        let signal = i32::try_from(signal).ok().filter(|signal| *signal > 0)?;
        Some(End::Signal(signal))
    }
}

fn live(
    terminal: &mut DefaultTerminal,
    top: &mut Top,
    system: &System,
    device: &Device,
    next: &mut Instant,
    signals: &Signals,
) -> Result<End, Failure> {
    let broken = |error: std::io::Error| failed(format!("the terminal can't be used: {error}"));
    loop {
        terminal.draw(|frame| top.draw(frame)).map_err(broken)?;
        loop {
            if let Some(end) = signals.take() {
                return Ok(end);
            }
            let wait = next.saturating_duration_since(Instant::now());
            if event::poll(wait.min(MOMENT)).map_err(broken)? {
                match event::read().map_err(broken)? {
                    Event::Key(key) if key.kind == KeyEventKind::Press => {
                        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
                        match key.code {
                            KeyCode::Char('q') | KeyCode::Esc => return Ok(End::Quit),
                            KeyCode::Char('c') if is_control => return Ok(End::Quit),
                            KeyCode::Char('z') if is_control => return Ok(End::Signal(SIGTSTP)),
                            KeyCode::Char('p') => top.is_paused = !top.is_paused,
                            _ => {}
                        }
                    }
                    _ => {}
                }
                break;
            }
            if wait.is_zero() {
                *next = Instant::now() + top.interval;
                if !top.is_paused {
                    top.advance(Snapshot::take(system, device)?);
                }
                break;
            }
        }
    }
}
