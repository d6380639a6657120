// The words of the pages' own controls, in both languages. (A figure and a quiz speak both at once, and have theirs with them.)
// `workbookLanguage` is the language that a page's controls speak: `en`, `zh-CN`, or `both` in the edition with both.
const workbookLanguage = location.pathname.includes('/en-zh/') ? 'both' : document.documentElement.lang;
const workbookPython = 'python3 -m venv target/python\ntarget/python/bin/pip install -r listings/python/requirements.txt';
const workbookWords = (() => {
const zh = {
    // Run bars
    run: '运行', copy: '复制命令', copied: '已复制', yours: '你改过的版本', environment: '环境变量',
    hint: command => ['在终端里运行上面的命令。想直接在网页里运行，请在项目文件夹里用这条命令打开本书：', command(), '。'],
    argument: '要发送的文字（可不填）', options: '选项（可不填）', standard: '默认：本书自己的消息代理',
    // Editing
    edit: '编辑', reset: '恢复原样', undo: '找回我的版本', showChanges: '和原版比较', hideChanges: '收起比较',
    changes: '你的版本和原版的差别', same: '和原版一样。', original: '用原版运行',
    // Programs that run in the page
    programs: '正在运行的程序', stop: '停止（Ctrl+C）', close: '关闭', show: '展开', hide: '收起', clear: '清除已结束的',
    pin: '固定到底部', unpin: '取消固定', resize: '调整高度',
    building: '正在编译', compiling: crate => `正在编译 ${crate}`, running: '正在运行',
    attempt: number => `第 ${number} 次运行`, seconds: number => `${number} 秒`, status: number => `状态码 ${number}`,
    failed: '没有运行起来', broken: line => `编译没通过：第 ${line} 行`,
    count: (all, running) => `${all} 个程序，${running} 个在运行`,
    gone: '与服务器的连接断了：请在终端里重新运行 cargo workbook',
    // Queues
    strip: '队列现在的样子', noQueues: '还没有队列', queues: '邮局看板', more: count => `还有 ${count} 个队列`,
    sampled: '每秒看四次，一闪而过的消息可能看不到',
    first: {
        send: '发出你的第一条消息', receive: '接收', again: '再来一次',
        ready: 'P 是生产者，C 是消费者，中间是队列 hello。现在谁都没有启动。', recorded: '一次运行的记录',
        sending: '正在运行 send……', waiting: '消息已经在队列里等着了。send 程序已经结束，接收它的程序还没有启动。',
        receiving: '正在运行 receive……', arrived: '到了！receive 打印出了这条消息；我们随后把它停掉，因为它会一直等下一条。',
        taken: '到了！已经有一个消费者在等着，这条消息一进队列就投递给了它。',
        failed: '程序没有正常结束。下面是它打印的内容。',
        notReal: '（这是一次运行的记录；在项目文件夹里用 cargo workbook 打开本书，就会真的运行。）',
    },
    // What the reader has done
    progress: {
        read: '读完了', goOn: title => `接着读：${title}`, missed: '做错了、还没有改对的小测验题：', question: (title, number) => `${title}：第 ${number} 题`,
        sum: (read, pages, right, solved) => `读完 ${read} 页（共 ${pages} 页），小测验答对 ${right} 题，练习做完 ${solved} 道。这些只记在这个浏览器里。`,
        forget: '清除全部记录', sure: '确定吗？读到哪里、小测验的回答、做完的练习、改过的程序，都会清除。', forgotten: '已经清除了。',
    },
    // Exercises in the page
    exercise: {
        open: '在这里做', close: '收起', check: '检查', hint: '提示', tests: '测试', reset: '从头开始', solution: '参考解答', solved: '已完成',
        sure: '确定要放弃现在的写法，从头开始吗？', checking: '正在检查……', passed: '做对了，测试全部通过。', failed: '还差一点：',
        broken: '还没有编译通过。第一个错误在下面，出错的那一行也有标记。', unfinished: '检查没有做完，原因看下面的输出。', gone: '和服务器断开过，请再检查一次。', found: '实际', wanted: '应该', empty: '空的', panicked: line => `你的程序在第 ${line} 行 panic 了：`,
    },
    // Stopping and starting the broker
    power: {
        broker: '消息代理', between: '', open: '消息代理正在运行。', stopped: '消息代理已关闭。', crashed: '消息代理崩溃了，没有跟任何程序打招呼。',
        stop: '关闭', restart: '重启', crash: '崩溃', start: '启动',
        about: {
            stop: '正常关闭：先告诉每个客户端（320 CONNECTION_FORCED）', restart: '正常关闭，再启动',
            crash: '像突然断电一样：不打招呼，连接直接断开', start: '启动，读回存在磁盘上的东西',
        },
        kept: (messages, lost, queues, lostQueues) => `上次启动后，${queues} 个队列、${messages} 条消息还在；${lostQueues} 个队列、${lost} 条消息没了。${lost ? '只有持久化队列里的持久化消息能留下来。' : ''}`,
    },
    board: {
        title: '邮局看板',
        about: '这里可以看到邮局的每个队列里有什么。看消息不会取走消息，也不会在上面留下记号。Ready（就绪）是在队列里等着的消息，Unacked（未确认）是已经交给消费者、还没有得到确认的消息。',
        none: '还没有队列。发送一条消息，就会有了。', ready: '就绪', unacked: '未确认', consumers: '消费者', durable: '持久化',
        persistent: '持久化消息', number: '序号', body: '消息体', key: '路由键', exchange: '交换机', isDefault: '（默认交换机）', redelivered: '重新投递过', size: '字节数', yes: '是', no: '否',
        purge: '清空', remove: '删除队列', reset: '全部重来：删除所有队列', sure: '确定吗？',
        console: '现在用的消息代理不是我们的邮局。RabbitMQ 有它自己的管理控制台：', back: '回到书里',
        unchanged: '没有改成：队列可能已经不在了。',
        refused: '这个浏览器还没有权限：请先打开 cargo workbook 打印出来的地址（里面带有 token），再到这一页来。',
    },
    // What the server says, by its codes; a detail, if there is one, is a number or what a program or the system has said.
    server: {
        too_many_running: most => `已经有 ${most} 个程序在运行：请先停掉一个`,
        no_such_listing: name => `没有 ${name} 这个程序`,
        arguments_too_long: most => `参数和环境变量超过了 ${most} 字节`,
        nul_in_argument: () => '参数里有 NUL 字节',
        run_gone: () => '这个程序已经结束了',
        unknown_variable: name => `这个程序不读环境变量 ${name}`,
        python_edited: () => 'Python 程序不能在这里编辑',
        other_page: () => '只有本书自己的页面才能这样请求',
        no_token: () => '请打开 cargo workbook 打印出来的地址',
        interrupted: () => '^C',
        killed: seconds => `${seconds} 秒之内没有退出，已被强行结束`,
        time_up: minutes => `已停止：运行满了 ${minutes} 分钟`,
        output_cut: mebibytes => `\n输出超过 ${mebibytes} MiB，后面的不再显示`,
        no_python: () => `还没有准备好运行这些程序的 Python。请先在项目文件夹里执行：\n${workbookPython}`,
        failed: why => `没有运行起来：${why}`,
        unreachable: why => `连不上消息代理：${why}`,
        silent: () => '那个端口接受了连接，却什么也不回答：那里有消息代理吗？',
        not_amqp: () => '在那个端口上回答的不是 AMQP 0-9-1：请检查 AMQP_ADDR',
        refused: why => `消息代理拒绝了连接：${why}`,
        stopped: () => '消息代理没有在运行，现在启动的程序连不上它',
        not_started: why => `没有启动起来：${why}`,
    },
};
const en = {
    run: 'Run', copy: 'Copy the command', copied: 'Copied', yours: 'your version', environment: 'Environment',
    hint: command => ['Run the command above in a terminal. To run it here in the page, open the book from the project’s folder with ', command(), '.'],
    argument: 'the text to send (optional)', options: 'options (optional)', standard: 'default: the workbook’s own broker',
    edit: 'Edit', reset: 'Reset', undo: 'Bring my version back', showChanges: 'Show my changes', hideChanges: 'Hide my changes',
    changes: 'What your version changes', same: 'It is the same as the original.', original: 'Back to the original',
    programs: 'Programs', stop: 'Stop (Ctrl+C)', close: 'Close', show: 'Show', hide: 'Hide', clear: 'Clear what has ended',
    pin: 'Pin to the bottom', unpin: 'Unpin', resize: 'Height',
    building: 'building', compiling: crate => `building ${crate}`, running: 'running',
    attempt: number => `run ${number}`, seconds: number => `${number} s`, status: number => `status ${number}`,
    failed: 'could not run', broken: line => `does not compile: line ${line}`,
    count: (all, running) => `${all} ${all === 1 ? 'program' : 'programs'}, ${running} running`,
    gone: 'The server is gone: run cargo workbook again in a terminal',
    strip: 'The queues now', noQueues: 'no queues yet', queues: 'all queues', more: count => `and ${count} more`,
    sampled: 'updated four times a second; a message that passes quickly may not show',
    first: {
        send: 'Send your first message', receive: 'Receive it', again: 'Once more',
        ready: 'P is the producer, C the consumer, and between them is the queue hello. Nothing runs yet.', recorded: 'A recorded run',
        sending: 'send is running…', waiting: 'Your message waits in the queue. The program that sent it has ended; the one that receives it hasn’t started.',
        receiving: 'receive is running…', arrived: 'It has arrived: receive has printed it. We stop receive now, since it would wait for the next one.',
        taken: 'It has arrived: a consumer was waiting already, so the queue delivered the message at once.',
        failed: 'The program did not end well. Below is what it printed.',
        notReal: '(This is a recorded run. Open the book with cargo workbook, in the project’s folder, and it happens for real.)',
    },
    progress: {
        read: 'read', goOn: title => `Continue: ${title}`, missed: 'Questions that you have answered wrong so far:', question: (title, number) => `${title}, question ${number}`,
        sum: (read, pages, right, solved) => `Read: ${read} of ${pages} pages. Right answers in quizzes: ${right}. Exercises solved: ${solved}. Only this browser knows.`,
        forget: 'Forget it all', sure: 'Forget what you have read, your answers to quizzes, the exercises that you have solved, and your versions of programs?', forgotten: 'Forgotten.',
    },
    exercise: {
        open: 'Solve it here', close: 'Fold away', check: 'Check', hint: 'Hint', tests: 'The tests', reset: 'Start over', solution: 'A solution', solved: 'solved',
        sure: 'Give up what you have written, and start over?', checking: 'Checking…', passed: 'Solved: all tests pass.', failed: 'Not yet:',
        broken: 'It doesn’t compile yet. The first error is below, and its line is marked.', unfinished: 'The check did not come to its end: the output below says why.', gone: 'The connection to the server was lost: check once more.', found: 'found', wanted: 'wanted', empty: 'empty', panicked: line => `Your program panicked in line ${line}:`,
    },
    power: {
        broker: 'Broker', between: ' ', open: 'The broker is running.', stopped: 'The broker is stopped.', crashed: 'The broker has crashed, without a word to anybody.',
        stop: 'Stop', restart: 'Restart', crash: 'Crash', start: 'Start',
        about: {
            stop: 'Shut down in good order: every client is told (320 CONNECTION_FORCED)', restart: 'Stop in good order, then start',
            crash: 'As in a power failure: nobody is told, connections are cut', start: 'Start, and read back what is on disk',
        },
        kept: (messages, lost, queues, lostQueues) => {
            const some = (number, what) => `${number} ${what}${number === 1 ? '' : 's'}`;
            const why = lost ? ' Only persistent messages in durable queues survive.' : '';
            return `Back after its last start: ${some(queues, 'queue')}, ${some(messages, 'message')}. Gone: ${some(lostQueues, 'queue')}, ${some(lost, 'message')}.${why}`;
        },
    },
    board: {
        title: 'The queues',
        about: 'Here you see what waits in each queue of the post office. Looking takes nothing away and leaves no mark. Ready messages wait in the queue; unacked ones have been delivered to a consumer that has not acknowledged them.',
        none: 'There are no queues yet. Send a message, and there will be one.', ready: 'ready', unacked: 'unacked', consumers: 'consumers', durable: 'durable',
        persistent: 'persistent', number: 'no.', body: 'body', key: 'routing key', exchange: 'exchange', isDefault: '(default exchange)', redelivered: 'redelivered', size: 'bytes', yes: 'yes', no: 'no',
        purge: 'Purge', remove: 'Delete the queue', reset: 'Start over: delete all queues', sure: 'Are you sure?',
        console: 'The broker in use is not our post office. RabbitMQ has a console of its own: ', back: 'Back to the book',
        unchanged: 'Nothing was changed: the queue may be gone.',
        refused: 'This browser has not been let in: first open the address that cargo workbook has printed (it ends with a token), then this page.',
    },
    server: {
        too_many_running: most => `${most} programs are running: stop one first`,
        no_such_listing: name => `there is no program ${name}`,
        arguments_too_long: most => `the arguments and variables are longer than ${most} bytes`,
        nul_in_argument: () => 'an argument contains a NUL byte',
        run_gone: () => 'this program has ended already',
        unknown_variable: name => `the program doesn’t read ${name}`,
        python_edited: () => 'a program in Python can’t be edited here',
        other_page: () => 'only the workbook’s own pages may ask for this',
        no_token: () => 'open the address that cargo workbook has printed',
        interrupted: () => '^C',
        killed: seconds => `it did not end within ${seconds} s and was killed`,
        time_up: minutes => `stopped: it ran for ${minutes} minutes`,
        output_cut: mebibytes => `\nfrom here on the output is not shown: it is more than ${mebibytes} MiB`,
        no_python: () => `the Python for these programs isn’t there yet. In the project’s folder:\n${workbookPython}`,
        failed: why => `it could not run: ${why}`,
        unreachable: why => `no broker can be reached: ${why}`,
        silent: () => 'the port takes connections and answers nothing: is a broker there?',
        not_amqp: () => 'what answers at that port isn’t AMQP 0-9-1: check AMQP_ADDR',
        refused: why => `the broker refused the connection: ${why}`,
        stopped: () => 'programs that start now find no broker',
        not_started: why => `it did not start: ${why}`,
    },
};
if (workbookLanguage !== 'both') {
    return workbookLanguage.startsWith('zh') ? zh : en;
}
// Both at once, where there is room: in what stands on the page, not in a pane's narrow head.
const both = (english, chinese) => {
    if (Array.isArray(english)) {
        return [...english, ' ', ...chinese];
    } else if (typeof english === 'function') {
        return (...details) => both(english(...details), chinese(...details));
    } else if (typeof english === 'object') {
        return Object.fromEntries(Object.entries(english).map(([key, word]) => [key, both(word, chinese[key])]));
    }
    return english.trim() === '' ? english : `${english} ${chinese}`;
};
const ofBars = ['run', 'copy', 'copied', 'yours', 'hint', 'environment', 'standard', 'edit', 'reset', 'undo', 'showChanges', 'hideChanges', 'changes', 'same', 'original'];
const { goOn, question, ...progress } = both(en.progress, zh.progress);
return {
    ...en,
    ...Object.fromEntries(ofBars.map(key => [key, both(en[key], zh[key])])),
    ...Object.fromEntries(['first', 'exercise', 'power'].map(key => [key, both(en[key], zh[key])])),
    argument: 'text (optional) · 文字（可不填）', options: 'options (optional) · 选项（可不填）',
    // A page's title speaks both already.
    progress: { ...progress, goOn: title => `Continue 接着读：${title}`, question: (title, number) => `${title}, question 第 ${number} 题` },
};
})();
