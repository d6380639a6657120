// What the big screen says, in both languages. The names that go into it are the class's own: texts, never markup.

const count = (number, one, many) => `${number} ${number === 1 ? one : many}`;

export const words = {
    en: {
        title: 'The class’s post office', language: '中文', clients: 'connected', letters: 'messages',
        connect: 'How to connect', address: 'Address', user: 'User', password: 'Password', shell: 'In a shell', choose: 'Network',
        showConnect: 'Show the address', hideConnect: 'Hide the address',
        themes: { auto: 'Colours: automatic', light: 'Colours: light', dark: 'Colours: dark' },
        reset: 'Start over', sureReset: 'Delete all queues and start over?', sureRemove: name => `Remove ${name}, with the queue?`,
        yes: 'Yes', no: 'No', remove: name => `Remove ${name}`,
        queues: 'Queues for all', noQueues: 'None yet. Whoever runs cargo run -p send makes the first.', moreQueues: more => `and ${more} more`,
        ready: 'ready', unacknowledged: 'unacked', consumers: number => count(number, 'consumer', 'consumers'),
        visitors: list => `Also here: ${list}`, nameless: 'without a name',
        latest: 'Messages, the newest first', noLetters: 'None yet.', lost: key => `no queue “${key}”: thrown away`,
        students: 'Who has done which step', nobody: 'Nobody yet. Connect with your name as the connection’s name.',
        steps: ['connected', 'queue', 'first message', 'sent to a classmate', 'received', 'acknowledged'],
        row: ({ shown, done, queue, connections }) => `${shown}: ${done.filter(Boolean).length} of ${done.length} steps done, `
            + `${connections ? 'connected' : 'not connected'}${queue ? `, ${count(queue.ready, 'message waits', 'messages wait')}` : ''}`,
        gone: 'The post office is closed, or this page is out of date. Open the address that the terminal shows.',
        notices: {
            'login-failed': machine => `${machine}: wrong user or password`,
            'limit-reached': ({ client, reason }) => `Refused to ${client}: ${reason}`,
            'overflowed': queue => `Too many messages wait in ${queue}: the oldest are dropped.`,
            'register-full': () => 'There are too many names: remove some, or start over.',
        },
    },
    zh: {
        title: '班级邮局', language: 'English', clients: '条连接', letters: '条消息',
        connect: '怎样连接', address: '地址', user: '用户名', password: '密码', shell: '在 shell 里', choose: '网络',
        showConnect: '显示地址', hideConnect: '收起地址',
        themes: { auto: '配色：自动', light: '配色：浅色', dark: '配色：深色' },
        reset: '重新开始', sureReset: '删除所有队列，从头再来？', sureRemove: name => `让 ${name} 离开，并且删除他的队列？`,
        yes: '是', no: '否', remove: name => `让 ${name} 离开`,
        queues: '公共队列', noQueues: '还没有。谁先运行 cargo run -p send，第一个队列就由谁来建。', moreQueues: more => `另有 ${more} 个`,
        ready: '就绪', unacknowledged: '未确认', consumers: number => `${number} 个消费者`,
        visitors: list => `在场的还有：${list}`, nameless: '没有名字的',
        latest: '最近的消息', noLetters: '还没有。', lost: key => `没有队列“${key}”，扔掉了`,
        students: '谁做到了哪一步', nobody: '还没有人。连接的时候，请把连接名设为自己的名字。',
        steps: ['连上了', '有队列', '第一条消息', '发给同学', '收到', '确认'],
        row: ({ shown, done, queue, connections }) => `${shown}：做完 ${done.filter(Boolean).length} 步，共 ${done.length} 步，`
            + `${connections ? '已连接' : '未连接'}${queue ? `，${queue.ready} 条消息在等` : ''}`,
        gone: '邮局关门了，或者这是以前留下的页面。请打开终端里显示的地址。',
        notices: {
            'login-failed': machine => `${machine}：用户名或密码不对`,
            'limit-reached': ({ client, reason }) => `${client} 的请求被拒绝：${reason}`,
            'overflowed': queue => `${queue} 里等着的消息太多，最早的已丢弃。`,
            'register-full': () => '名字太多了：请让一些离开，或者重新开始。',
        },
    },
};
