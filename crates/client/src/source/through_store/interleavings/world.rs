//! Three machines, a store and a vendor, and what can happen next.

use std::time::Duration;

use credentials_grant::ExposeSecret;

use super::machine::{Link, Machine, OwnTime, Time};
use super::network::{Command, Message, Outbox, Reply, What, Wire};
use super::truth::Truth;
use crate::source::FetchResult;
use crate::store::{Claim, Keyring, MemoryStore, Snapshot, StoreKey, TokenStore as _};

/// What happens if the explorer lets it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Work {
    /// Somebody asks each machine for a token.
    CallAll,
    Call(usize),
    /// The API rejected the newest token that this machine handed out.
    Complain(usize),
    /// Quiet time, in seconds.
    Pass(u64),
}

/// What three machines are there for.
#[derive(Debug)]
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) clients: [&'static str; 3],
    /// How far the machines' calendars are ahead, in seconds.
    pub(super) skews: [u64; 3],
    /// How long tokens live, in seconds.
    pub(super) lifetime: u64,
    pub(super) link: Link,
    /// Whether the explorer decides on the calls that are about failures too.
    pub(super) stops_all_calls: bool,
    pub(super) workload: &'static [Work],
}

/// One step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Choice {
    /// A message arrives and is answered.
    Exchange(usize),
    /// A message arrives, and the answer is still on its way.
    Arrive(usize),
    /// The answer arrives.
    Answer(usize),
    /// Everything else that is on its way is faster.
    Delay(usize),
    Lose(usize),
    /// The vendor fails.
    Fail(usize),
    Pass(Duration),
    /// The next part of the workload begins.
    Next,
    Stop(usize),
    Continue(usize),
    /// A process dies, and is started anew.
    Crash(usize),
    Connect(usize, Link),
    /// The machine's oldest token turns out to have been rejected.
    ComplainLate(usize),
    EvictRecords,
    EvictClaims,
    /// The store loses its last changes.
    FailOver(usize),
    /// Somebody puts the records of two clients in each other's place.
    Swap,
}

pub(super) struct World {
    scenario: &'static Scenario,
    time: Time,
    store: MemoryStore,
    store_runtime: OwnTime,
    /// The states of the store before each of its changes.
    snapshots: Vec<Snapshot>,
    machines: Vec<Machine>,
    was_stopped: [bool; 3],
    /// The number of the last token that each machine requested.
    newest: [Option<usize>; 3],
    keys: Vec<(usize, StoreKey)>,
    keyring: Keyring,
    outbox: Outbox,
    messages: Vec<Message>,
    sent: usize,
    next: usize,
    pub(super) truth: Truth,
}

impl World {
    pub(super) fn new(scenario: &'static Scenario) -> Self {
        // One that all clients share, so that their names alone keep their records apart.
        let keyring = Keyring::of_nobody().unwrap();
        let (time, outbox) = (Time::default(), Outbox::default());
        let mut world = Self {
            scenario,
            store: MemoryStore::new().with_keyring(keyring.clone()),
            store_runtime: OwnTime::new(&time),
            snapshots: Vec::new(),
            machines: Vec::new(),
            was_stopped: [false; 3],
            newest: [None; 3],
            keys: Vec::new(),
            keyring,
            outbox,
            messages: Vec::new(),
            sent: 0,
            next: 0,
            truth: Truth::new(Duration::from_secs(scenario.lifetime)),
            time,
        };
        world.machines = (0..3).map(|machine| world.start(machine)).collect();
        world
    }

    fn start(&self, machine: usize) -> Machine {
        let Scenario { clients, skews, link, .. } = self.scenario;
        let wire = Wire { machine, keyring: self.keyring.clone(), outbox: self.outbox.clone() };
        let skew = Duration::from_secs(skews[machine]);
        let mut machine = Machine::start(clients[machine], skew, wire, &self.time);
        machine.link = *link;
        machine
    }

    /// Returns what can happen: first what does if nothing goes wrong, nothing if that is all.
    pub(super) fn choices(&self) -> Vec<Choice> {
        let Some(expected) = self.expected() else { return Vec::new() };
        let mut choices = vec![expected];
        for message in self.messages.iter().filter(|message| self.reaches_its_end(message)) {
            let number = message.number;
            if message.reply.is_none() {
                choices.push(Choice::Arrive(number));
            }
            if message.reply.is_none() && matches!(message.what, What::TokenRequest) {
                choices.push(Choice::Fail(number));
            }
            if !message.is_delayed {
                choices.push(Choice::Delay(number));
            }
        }
        choices.extend(self.messages.iter().map(|message| Choice::Lose(message.number)));
        choices.extend([200, 4000].map(|time| Choice::Pass(Duration::from_millis(time))));
        if matches!(self.scenario.workload.get(self.next), Some(Work::CallAll | Work::Call(_) | Work::Complain(_))) {
            choices.push(Choice::Next);
        }
        for (number, machine) in self.machines.iter().enumerate() {
            choices.push(if machine.is_stopped { Choice::Continue(number) } else { Choice::Stop(number) });
            choices.push(Choice::Crash(number));
            let links = [Link::Up, Link::Refused, Link::Silent].into_iter().filter(|link| *link != machine.link);
            choices.extend(links.map(|link| Choice::Connect(number, link)));
            if !machine.handed_out.is_empty() && !machine.is_stopped {
                choices.push(Choice::ComplainLate(number));
            }
        }
        if !self.snapshots.is_empty() {
            choices.extend([Choice::EvictRecords, Choice::EvictClaims]);
        }
        choices.extend([1, 3].into_iter().filter(|back| self.snapshots.len() >= *back).map(Choice::FailOver));
        if self.keys.len() > 1 {
            choices.push(Choice::Swap);
        }
        let rest = choices.split_off(1).into_iter().filter(|choice| *choice != expected);
        choices.extend(rest.collect::<Vec<_>>());
        choices
    }

    fn expected(&self) -> Option<Choice> {
        let deliverable = self.messages.iter().filter(|message| self.reaches_its_end(message));
        // The oldest first, and those that are delayed last.
        if let Some(message) = deliverable.min_by_key(|message| message.is_delayed) {
            let number = message.number;
            return Some(if message.reply.is_some() { Choice::Answer(number) } else { Choice::Exchange(number) });
        }
        if self.machines.iter().any(|machine| machine.waiting > 0 && !machine.is_stopped) {
            return Some(Choice::Pass(Duration::from_secs(1)));
        }
        (self.next < self.scenario.workload.len()).then_some(Choice::Next)
    }

    fn reaches_its_end(&self, message: &Message) -> bool {
        matches!(message.what, What::TokenRequest) || self.machines[message.from].link != Link::Silent
    }

    pub(super) fn take(&mut self, choice: Choice) {
        let is_fault = !matches!(
            choice,
            Choice::Exchange(_)
                | Choice::Arrive(_)
                | Choice::Answer(_)
                | Choice::Delay(_)
                | Choice::Pass(_)
                | Choice::Next
        );
        self.truth.somebody_failed |= is_fault && !matches!(choice, Choice::ComplainLate(_));
        match choice {
            Choice::Exchange(number) => {
                self.arrive(number);
                self.answer(number);
            }
            Choice::Arrive(number) => self.arrive(number),
            Choice::Answer(number) => self.answer(number),
            Choice::Delay(number) => {
                let delayed = self.messages.iter_mut().filter(|message| message.number == number);
                delayed.for_each(|message| message.is_delayed = true);
            }
            Choice::Lose(number) => {
                let lost = self.remove(number);
                self.truth.vendor_failed |= matches!(lost.what, What::TokenRequest);
            }
            Choice::Fail(number) => {
                self.truth.vendor_failed = true;
                self.remove(number).answer(Ok(Reply::NoToken));
            }
            Choice::Pass(time) => self.pass(time),
            Choice::Next => self.work(),
            Choice::Stop(number) => {
                (self.machines[number].is_stopped, self.was_stopped[number]) = (true, true);
                let sent = self.messages.iter_mut().filter(|message| message.from == number);
                sent.for_each(|message| message.sender_was_stopped = true);
            }
            Choice::Continue(number) => self.machines[number].is_stopped = false,
            Choice::Crash(number) => {
                let link = self.machines[number].link;
                self.machines[number] = self.start(number);
                self.machines[number].link = link;
                self.was_stopped[number] = false;
                self.truth.forget_complaints(number);
            }
            Choice::Connect(number, link) => self.machines[number].link = link,
            Choice::ComplainLate(number) => self.complain(number, 0),
            Choice::EvictRecords => self.store.evict_records(),
            Choice::EvictClaims => self.store.evict_claims(),
            Choice::FailOver(back) => {
                let at = self.snapshots.len() - back;
                self.store.restore(self.snapshots.drain(at..).next().unwrap());
            }
            Choice::Swap => {
                self.truth.is_tampered = true;
                self.store.swap(&self.keys[0].1, &self.keys[1].1);
            }
        }
        self.settle();
    }

    fn work(&mut self) {
        let work = self.scenario.workload[self.next];
        self.next += 1;
        match work {
            Work::CallAll => (0..3).for_each(|machine| self.call(machine)),
            Work::Call(machine) => self.call(machine),
            Work::Complain(machine) => {
                let handed_out = self.machines[machine].handed_out.len();
                self.complain(machine, handed_out.saturating_sub(1));
            }
            Work::Pass(seconds) => self.pass(Duration::from_secs(seconds)),
        }
    }

    /// I1: whoever finds a valid token in memory gets one at once.
    fn call(&mut self, number: usize) {
        let machine = &mut self.machines[number];
        if machine.is_stopped {
            return;
        }
        let cached = machine.cached();
        let outcome = machine.call();
        let is_served = cached.is_none() || matches!(outcome, Some(Ok(_)));
        self.truth.hold(is_served, || format!("I1: machine {number} has a token, and a caller got {outcome:?}"));
        if let Some(outcome) = outcome {
            self.got(number, outcome);
        }
    }

    /// I6: a complaint about a token leaves another one alone.
    fn complain(&mut self, number: usize, which: usize) {
        let machine = &self.machines[number];
        let Some(token) = machine.handed_out.get(which).filter(|_| !machine.is_stopped) else { return };
        let before =
            machine.cached().filter(|cached| cached.secret().expose_secret() != token.secret().expose_secret());
        machine.complain(token);
        self.truth.reject(token, number);
        let is_left_alone = before.is_none() || machine.cached().is_some();
        self.truth.hold(is_left_alone, || format!("I6: machine {number} dropped a newer token"));
    }

    /// I3: nobody fails because of the store.
    fn got(&mut self, number: usize, outcome: FetchResult) {
        let client = self.scenario.clients[number];
        match outcome {
            Ok(token) => {
                self.truth.handed_out(&token, number, client, self.time.now());
                self.machines[number].handed_out.push(token);
            }
            Err(error) => {
                let is_excused = self.truth.vendor_failed || self.was_stopped[number];
                self.truth.hold(is_excused, || format!("I3: a caller of machine {number} failed: {error}"));
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        self.time.pass(time);
        self.machines.iter_mut().for_each(|machine| machine.is_idle = false);
        let (slow, now) = (Duration::from_secs(10), self.time.now());
        let is_slow =
            |message: &Message| matches!(message.what, What::TokenRequest) && now.saturating_sub(message.sent) >= slow;
        self.truth.vendor_failed |= self.messages.iter().any(is_slow);
    }

    /// Lets the machines run until all of them wait.
    fn settle(&mut self) {
        loop {
            for number in 0..3 {
                if !self.machines[number].is_stopped && !self.machines[number].is_idle {
                    let outcomes = self.machines[number].run();
                    for outcome in outcomes {
                        self.got(number, outcome);
                    }
                }
            }
            self.truth.somebody_failed |= self.messages.iter().any(Message::is_given_up);
            let new = self.outbox.take(self.sent, self.time.now());
            if new.is_empty() {
                break;
            }
            self.sent += new.len();
            for message in new {
                self.send(message);
            }
        }
        self.messages
            .retain(|message| !(message.is_given_up() && matches!(message.what, What::Store(Command::Read(_)))));
        let now = self.time.now();
        for (number, machine) in self.machines.iter().enumerate().filter(|(_, machine)| !machine.is_stopped) {
            if let Some(token) = machine.cached() {
                self.truth.handed_out(&token, number, self.scenario.clients[number], now);
            }
        }
    }

    fn send(&mut self, message: Message) {
        let (from, link) = (message.from, self.machines[message.from].link);
        self.machines[from].is_idle = false;
        match &message.what {
            What::Store(_) if link == Link::Refused => {
                self.truth.somebody_failed = true;
                return message.answer(Err("connection refused".into()));
            }
            What::Store(command)
                if !command.is_about_tokens() && !self.scenario.stops_all_calls && link == Link::Up =>
            {
                let reply = self.store_runtime.run(command.run(&self.store));
                return message.answer(reply);
            }
            What::Store(command) => {
                if command.is_about_tokens() && !self.keys.iter().any(|(_, key)| key == command.key()) {
                    self.keys.push((from, command.key().clone()));
                }
                if let Command::Write { record, .. } = command
                    && let Some(token) = self.newest[from].filter(|_| command.is_about_tokens())
                {
                    self.truth.writes(record.version, token);
                }
            }
            What::TokenRequest => {
                let client = self.scenario.clients[from];
                let key = self.keys.iter().find(|(machine, _)| self.scenario.clients[*machine] == client);
                let key = key.map_or_else(|| StoreKey::new("none"), |(_, key)| key.clone());
                self.truth.requested(from, self.machines[from].cached().as_deref(), &key, self.time.now());
            }
        }
        self.messages.push(message);
    }

    fn arrive(&mut self, number: usize) {
        let now = self.time.now();
        let at = self.messages.iter().position(|message| message.number == number).unwrap();
        let (from, sent) = (self.messages[at].from, self.messages[at].sent);
        let is_late = self.messages[at].is_given_up() || self.messages[at].sender_was_stopped;
        let reply = match self.messages[at].what.clone() {
            What::TokenRequest => {
                Reply::Token(self.truth.issue(self.scenario.clients[from], sent, now), self.scenario.lifetime)
            }
            What::Store(command) => {
                if !matches!(command, Command::Read(_)) {
                    self.snapshots.push(self.store.snapshot());
                }
                let store = &self.store;
                let (before, reply) = self.store_runtime.run(async {
                    let before = store.read(command.key()).await.unwrap();
                    (before.map(|record| record.version), command.run(store).await.unwrap())
                });
                match (&command, &reply) {
                    (Command::Claim { key, .. }, Reply::Claim(Claim::Granted)) => self.truth.granted(key, before, now),
                    (Command::Write { key, record, .. }, Reply::Done(true)) => {
                        self.truth.replaced(key, before, Some(record.version), now);
                        if is_late {
                            self.truth.arrives_late(record.version);
                        }
                    }
                    (Command::Remove { key, .. }, Reply::Done(true)) => self.truth.replaced(key, before, None, now),
                    _ => {}
                }
                reply
            }
        };
        self.messages[at].reply = Some(reply);
    }

    fn answer(&mut self, number: usize) {
        let message = self.remove(number);
        let reply = message.reply.clone().unwrap();
        match reply {
            Reply::Token(token, _) => self.newest[message.from] = Some(token),
            Reply::Claim(Claim::Granted) => self.truth.has_right(message.from),
            _ => {}
        }
        message.answer(Ok(reply));
    }

    /// Takes a message from the network, to answer it.
    fn remove(&mut self, number: usize) -> Message {
        let at = self.messages.iter().position(|message| message.number == number).unwrap();
        let message = self.messages.remove(at);
        self.machines[message.from].is_idle = false;
        message
    }

    /// Returns the time, the token that each machine has, and what is on its way.
    pub(super) fn describe(&self) -> String {
        let tokens = self.machines.iter().map(|machine| match machine.cached() {
            _ if machine.is_stopped => "stopped".to_owned(),
            Some(token) => token.secret().expose_secret().to_owned(),
            None => "-".to_owned(),
        });
        let messages = self.messages.iter().map(|Message { number, from, what, reply, .. }| {
            let what = match what {
                What::TokenRequest => "request",
                What::Store(Command::Read(_)) => "read",
                What::Store(Command::Claim { .. }) => "claim",
                What::Store(Command::Write { .. }) => "write",
                What::Store(Command::Release { .. }) => "release",
                What::Store(Command::Remove { .. }) => "remove",
            };
            format!("{number}: {what} of {from}{}", if reply.is_some() { ", arrived" } else { "" })
        });
        let (tokens, messages): (Vec<_>, Vec<_>) = (tokens.collect(), messages.collect());
        format!("at {:?} {tokens:?}, on the way: {messages:?}", self.time.now())
    }

    /// Lets everything work again. Then everybody gets a token.
    pub(super) fn end(&mut self) {
        for machine in &mut self.machines {
            (machine.is_stopped, machine.link) = (false, Link::Up);
        }
        self.settle();
        (0..3).for_each(|machine| self.call(machine));
        self.settle();
        while let Some(expected) = self.expected() {
            self.take(expected);
        }
        for (number, machine) in self.machines.iter().enumerate() {
            let has_token = machine.cached().is_some() || self.truth.vendor_failed;
            self.truth.hold(has_token, || format!("machine {number} has no token in the end"));
        }
    }
}
