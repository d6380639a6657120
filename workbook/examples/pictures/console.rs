//! Pictures of RabbitMQ's console on the way of one letter: sent, looked at, received.

use crate::camera::{Camera, Taken};
use anyhow::{Context, Result, ensure};
use rabbitmq_node::Node;
use std::{
    env,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};
use workbook::{listings::Listing, pictures::DENSITY};

const MARKS: &str = include_str!("marks.js");

/// Starts a private RabbitMQ, runs the listings, and takes the pictures: into `dest` as into the project's folder.
pub fn take(root: &Path, dest: &Path) -> Result<Vec<Taken>> {
    let data = tempfile::tempdir()?;
    let node = Node::start(&data, &["rabbitmq_management"])?;
    let listings = Listings::build(root, node.amqp_addr())?;
    let camera = Camera::open(1300, 2000, DENSITY)?;
    let mut taken = Vec::new();

    listings.send()?;
    camera.go(&format!("http://localhost:{}/", node.management_port()))?;
    camera.wait_for("document.querySelector('[name=username]')")?;
    camera.run(
        "document.querySelector('[name=username]').value = 'guest';
         document.querySelector('[name=password]').value = 'guest';
         document.querySelector('#login [type=submit]').click()",
    )?;
    camera.wait_for("document.querySelector('#menu')")?;
    camera.run(MARKS)?;

    queues_with(&camera, 1)?;
    camera.run(
        "book.mark(1, 'below', book.find('#menu a', 'Queues and Streams'));
         book.mark(2, 'below', book.cell('Ready'), book.cell('Unacked'), book.cell('Total'));
         book.mark(2, 'below', book.cell('Features'));
         book.mark(3, 'below', book.cell('Name'))",
    )?;
    let list = "book.around([book.find('#menu a'), book.find('h1'), book.find('h2', 'Add a new queue')], 14, 845)";
    taken.push(camera.take(list, dest, "src/basic/console-queues.webp")?);

    camera.run("book.unmark(); location.hash = '#/queues/%2F/hello'")?;
    camera.wait_for("book.find('h2', 'Get messages')")?;
    camera.wait_for("book.fact('Messages', 3)?.map(words => words.toString().trim()).join() === '1,1,0'")?;
    camera.run(
        "book.mark(1, 'right', ...book.fact('Features'));
         book.mark(2, 'right', ...book.fact('Consumers'));
         book.mark(3, 'right', ...book.fact('Messages', 3));
         book.mark(4, 'right', book.words(book.find('h2', 'Get messages')))",
    )?;
    let page = "book.around([book.find('h1'), book.find('h2', 'Get messages')], 6, 752)"; // the tabs are right above
    taken.push(camera.take(page, dest, "src/basic/console-queue.webp")?);

    // Looked at twice: the second time the letter says that it has been out before.
    camera.run("book.unmark(); book.find('h2', 'Get messages').click()")?;
    for _ in 0..2 {
        camera.run("document.querySelector('#msg-wrapper').replaceChildren(); book.find('input[value=\"Get Message(s)\"]').click()")?;
        camera.wait_for("book.find('.msg-payload') && jQuery(':animated').length === 0")?;
    }
    camera.run(
        "book.mark(1, 'right', book.find('.msg-payload'));
         book.mark(2, 'right', book.find('[name=ackmode]'));
         book.mark(3, 'right', ...book.fact('Redelivered'))",
    )?;
    let message = "book.around([book.find('h2', 'Get messages'), book.find('#msg-wrapper')], 14, 560)";
    taken.push(camera.take(message, dest, "src/basic/console-message.webp")?);

    listings.receive()?;
    queues_with(&camera, 0)?;
    camera.run("book.mark(1, 'below', book.cell('Ready'), book.cell('Unacked'), book.cell('Total'))")?;
    let list = "book.around([book.find('table.list'), book.find('h2', 'Add a new queue')], 14, 845)";
    taken.push(camera.take(list, dest, "src/basic/console-empty.webp")?);
    Ok(taken)
}

/// Goes to the list of queues and waits until it tells that `hello` has so many messages ready, and that nothing happens to
/// it any more: the statistics lag behind, and the rates are means over the last seconds.
fn queues_with(camera: &Camera, ready: u32) -> Result<()> {
    camera.run("book.unmark(); location.hash = '#/queues'")?;
    camera.wait_for(&format!(
        "book.cell('Ready')?.textContent.trim() === '{ready}' && book.cell('State').textContent.trim() === 'running'
         && ['incoming', 'deliver / get', 'ack'].every(rate => /^(0.00\\/s)?$/.test(book.cell(rate).textContent.trim()))"
    ))
}

/// The programs of the book, built.
struct Listings {
    target: PathBuf,
    addr: String,
}

impl Listings {
    fn build(root: &Path, addr: String) -> Result<Self> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let arguments = Listing::build_arguments(["send", "receive"]);
        let status = Command::new(cargo).args(arguments).current_dir(root).status().context("can't run cargo")?;
        ensure!(status.success(), "the listings don't compile");
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        Ok(Self { target, addr })
    }

    fn start(&self, name: &str) -> Result<Child> {
        let program = Listing::program(&self.target, name);
        let mut command = Command::new(&program);
        command.env("AMQP_ADDR", &self.addr).stdin(Stdio::null()).stdout(Stdio::piped());
        command.spawn().with_context(|| format!("can't run {}", program.display()))
    }

    /// Sends the letter of the book.
    fn send(&self) -> Result<()> {
        let status = self.start("send")?.wait()?;
        ensure!(status.success(), "send ended with {status}");
        Ok(())
    }

    /// Receives one letter, and ends the consumer.
    fn receive(&self) -> Result<()> {
        let mut consumer = self.start("receive")?;
        let printed = BufReader::new(consumer.stdout.take().context("stdout is piped")?);
        let received = printed.lines().map_while(Result::ok).any(|line| line.starts_with("Received:"));
        let _ = consumer.kill(); // it may have ended by itself, without a letter
        consumer.wait()?;
        ensure!(received, "receive got no letter");
        Ok(())
    }
}
