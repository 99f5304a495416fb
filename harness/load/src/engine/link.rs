use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use kmspec_wire::keys::KeySet;
use kmspec_wire::ndr::TransferSyntax;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Sleep, sleep, timeout};

use super::desk::{Next, Work};
use super::dial::Dial;
use crate::client::{Client, Job};
use crate::measure::ErrorClass;
use crate::num::nanos;
use crate::plan::Reuse;
use crate::prepare::Pool;

/// How connections are made and used.
#[derive(Clone)]
pub(crate) struct Manner<D> {
    pub(crate) dial: D,
    pub(crate) pool: Arc<Pool>,
    pub(crate) keys: Arc<KeySet>,
    pub(crate) syntax: TransferSyntax,
    pub(crate) timeout: Duration,
    pub(crate) pipeline: usize,
    pub(crate) reuse: Reuse,
}

/// A connection that is bound.
pub(crate) struct Link<D: Dial> {
    stream: D::Stream,
    client: Client,
    out: Vec<u8>,
    octets: Box<[u8]>,
    timeout: Duration,
    pipeline: usize,
    /// Looks at the oldest request now and then. It is not set anew with each request: that would cost more than the rest.
    alarm: Pin<Box<Sleep>>,
}

/// Why a connection could not be made or used.
#[derive(Debug)]
pub(crate) struct Trouble {
    /// The class it counts in.
    pub(crate) class: ErrorClass,
    /// What the system says.
    pub(crate) source: Option<io::Error>,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.class.meaning())?;
        self.source
            .iter()
            .try_for_each(|source| write!(f, ": {source}"))
    }
}

impl From<ErrorClass> for Trouble {
    fn from(class: ErrorClass) -> Self {
        Self {
            class,
            source: None,
        }
    }
}

/// Octets read at a time: some answers of a pipeline.
const READ: usize = 8192;
/// How long to leave a target alone that takes no connection.
const PAUSE: Duration = Duration::from_millis(10);

/// Takes work until there is no more.
pub(crate) async fn serve<D: Dial, W: Work>(
    work: Rc<W>,
    manner: Manner<D>,
    number: usize,
    ready: Option<Link<D>>,
) {
    let mut kept = ready;
    loop {
        let job = match work.next(number) {
            Next::Work(job) => job,
            Next::Over => return,
            Next::Wait => {
                kept = wait(&*work, kept).await;
                continue;
            }
        };
        let began = work.now();
        let mut link = match kept.take() {
            Some(link) => link,
            None => match Link::open(&manner).await {
                Ok(link) => {
                    work.connected();
                    link
                }
                Err(trouble) => {
                    work.failed(job.due, trouble.class);
                    if trouble.class != ErrorClass::Timeout {
                        sleep(PAUSE).await;
                    }
                    continue;
                }
            },
        };
        match manner.reuse {
            Reuse::Kept => {
                if link.play(&*work, number, job).await.is_ok() {
                    kept = Some(link);
                }
            }
            Reuse::New => {
                link.once(&*work, job, began).await;
                D::reset(link.stream);
            }
        }
    }
}

/// Waits for work; a connection that the host ends meanwhile is gone, and nobody's loss.
async fn wait<D: Dial, W: Work>(work: &W, kept: Option<Link<D>>) -> Option<Link<D>> {
    let Some(mut link) = kept else {
        work.wake().await;
        return None;
    };
    tokio::select! {
        biased;
        () = work.wake() => Some(link),
        _ = link.stream.read(&mut link.octets) => None,
    }
}

impl<D: Dial> Link<D> {
    /// Connects and binds.
    pub(crate) async fn open(manner: &Manner<D>) -> Result<Self, Trouble> {
        let opening = async {
            let stream = manner.dial.dial().await.map_err(|source| Trouble {
                class: of_connect(&source),
                source: Some(source),
            })?;
            let client = Client::new(
                Arc::clone(&manner.pool),
                Arc::clone(&manner.keys),
                manner.syntax,
            );
            let mut link = Self {
                stream,
                client,
                out: Vec::with_capacity(512),
                octets: vec![0; READ].into_boxed_slice(),
                timeout: manner.timeout,
                pipeline: manner.pipeline,
                alarm: Box::pin(sleep(manner.timeout)),
            };
            link.bind().await?;
            Ok(link)
        };
        match timeout(manner.timeout, opening).await {
            Ok(opened) => opened,
            Err(_) => Err(ErrorClass::Timeout.into()),
        }
    }

    async fn bind(&mut self) -> Result<(), Trouble> {
        self.client.bind(&mut self.out);
        self.write().await?;
        while !self.client.is_bound() {
            let octets = self.read().await?;
            let octets = self.octets.get(..octets).unwrap_or_default();
            self.client.receive(octets, |_, _| {})?;
        }
        Ok(())
    }

    async fn write(&mut self) -> Result<(), Trouble> {
        let written = self.stream.write_all(&self.out).await;
        self.out.clear();
        written.map_err(broken)
    }

    async fn read(&mut self) -> Result<usize, Trouble> {
        match self.stream.read(&mut self.octets).await {
            Ok(0) => Err(ErrorClass::Closed.into()),
            Ok(octets) => Ok(octets),
            Err(error) => Err(broken(error)),
        }
    }

    /// One request that has been due and in work since `began`, and its answer.
    pub(crate) async fn once<W: Work>(&mut self, work: &W, job: Job, began: u64) {
        self.ask(work, job, began);
        if let Err(trouble) = self.finish(work).await {
            self.abandon(work, trouble.class);
        }
    }

    async fn finish<W: Work>(&mut self, work: &W) -> Result<(), Trouble> {
        self.flush().await?;
        while self.client.waiting() > 0 {
            self.answers(work).await?;
        }
        Ok(())
    }

    /// Requests as they come, until none is there and none waits for its answer.
    ///
    /// # Errors
    /// The connection can be used no more; whatever waited has failed.
    async fn play<W: Work>(&mut self, work: &W, number: usize, first: Job) -> Result<(), Trouble> {
        self.ask(work, first, work.now());
        let played = self.exchange(work, number).await;
        if let Err(trouble) = &played {
            self.abandon(work, trouble.class);
        }
        played
    }

    async fn exchange<W: Work>(&mut self, work: &W, number: usize) -> Result<(), Trouble> {
        loop {
            while self.client.waiting() < self.pipeline {
                let Next::Work(job) = work.next(number) else {
                    break;
                };
                self.ask(work, job, work.now());
            }
            self.flush().await?;
            if self.client.waiting() == 0 {
                return Ok(());
            }
            self.answers_or_work(work).await?;
        }
    }

    fn ask<W: Work>(&mut self, work: &W, job: Job, at: u64) {
        let before = self.out.len();
        self.client.ask(job, at, &mut self.out);
        work.sent(&job, self.out.len() - before);
    }

    async fn flush(&mut self) -> Result<(), Trouble> {
        if self.out.is_empty() {
            return Ok(());
        }
        match timeout(self.timeout, self.write()).await {
            Ok(written) => written,
            Err(_) => Err(ErrorClass::Timeout.into()),
        }
    }

    /// Waits for answers, or for work where there is room for more.
    async fn answers_or_work<W: Work>(&mut self, work: &W) -> Result<(), Trouble> {
        if self.client.waiting() >= self.pipeline || !work.wakes() {
            return self.answers(work).await;
        }
        tokio::select! {
            biased;
            read = self.stream.read(&mut self.octets) => self.take(work, read),
            () = work.wake() => Ok(()),
            () = &mut self.alarm => self.ring(work),
        }
    }

    async fn answers<W: Work>(&mut self, work: &W) -> Result<(), Trouble> {
        tokio::select! {
            biased;
            read = self.stream.read(&mut self.octets) => self.take(work, read),
            () = &mut self.alarm => self.ring(work),
        }
    }

    fn take<W: Work>(&mut self, work: &W, read: io::Result<usize>) -> Result<(), Trouble> {
        let octets = match read {
            Ok(0) => return Err(ErrorClass::Closed.into()),
            Ok(octets) => octets,
            Err(error) => return Err(broken(error)),
        };
        let now = work.now();
        work.received(octets, now);
        let octets = self.octets.get(..octets).unwrap_or_default();
        let received = self.client.receive(octets, |sent, outcome| {
            work.answered(&sent, now, outcome);
        });
        Ok(received?)
    }

    fn ring<W: Work>(&mut self, work: &W) -> Result<(), Trouble> {
        let now = work.now();
        let limit = nanos(self.timeout);
        let left = match self.client.oldest() {
            Some(at) => at.saturating_add(limit).saturating_sub(now),
            None => limit,
        };
        if left == 0 {
            return Err(ErrorClass::Timeout.into());
        }
        let instant = tokio::time::Instant::now() + Duration::from_nanos(left);
        self.alarm.as_mut().reset(instant);
        Ok(())
    }

    fn abandon<W: Work>(&mut self, work: &W, class: ErrorClass) {
        self.client
            .abandon()
            .for_each(|sent| work.failed(sent.due, class));
    }
}

fn of_connect(error: &io::Error) -> ErrorClass {
    // EMFILE and ENFILE have no kind of their own.
    const NO_FILES: [i32; 2] = [24, 23];
    match error.kind() {
        io::ErrorKind::AddrNotAvailable => ErrorClass::Ports,
        _ if error
            .raw_os_error()
            .is_some_and(|code| NO_FILES.contains(&code)) =>
        {
            ErrorClass::Ports
        }
        _ => ErrorClass::Connect,
    }
}

fn broken(error: io::Error) -> Trouble {
    Trouble {
        class: ErrorClass::Reset,
        source: Some(error),
    }
}
