// A quiz at the end of a chapter: <workbook-quiz> around a numbered list of questions, each with a task list of answers, each
// answer followed by its explanation; [x] marks the right ones. Without this script it is that list, solution and all.
//
// In the edition of both languages the element holds the list twice and makes one quiz of both.
(() => {
    const WORDS = {
        'en': {
            several: 'More than one may be right.',
            check: 'Check', again: 'Try again',
            right: 'Right. ', wrong: 'Not so. ',
            partly: 'And there is more to choose.',
            none: 'Choose an answer first.',
            score: (all, right, first) =>
                `${right} of ${all} right${right < all ? '' : `, ${first} on the first try`}.`,
        },
        'zh-CN': {
            several: '正确答案可能不止一个。',
            check: '检查', again: '再做一遍',
            right: '对。', wrong: '不对。',
            partly: '还没有选全。',
            none: '请先选一个答案。',
            score: (all, right, first) =>
                `${all} 题答对 ${right} 题${right < all ? '' : `，其中 ${first} 题一次答对`}。`,
        },
    };

    const element = (tag, properties, ...children) => {
        const made = Object.assign(document.createElement(tag), properties);
        made.append(...children);
        return made;
    };

    // A quiz, in one language or several: `say` gives the same in each of them, side by side.
    class WorkbookQuiz extends HTMLElement {
        connectedCallback() {
            const lists = [...this.querySelectorAll('ol')];
            if (lists.length === 0) {
                return; // moved, and made already
            }
            const languages = lists.map(list => list.closest('[lang]').lang);
            const say = content => element('span', { className: 'quiz-text' },
                ...languages.map((lang, i) => element('span', { lang }, ...[content(WORDS[lang], i)].flat())));

            const questions = [...lists[0].children].map((_, n) => {
                return new Question(n + 1, lists.map(list => list.children[n]), say);
            });
            const score = element('p', { className: 'quiz-score' });
            score.setAttribute('role', 'status');
            const again = element('button', { type: 'button', className: 'quiz-again', hidden: true }, say(words => words.again));
            this.replaceChildren(...questions.map(question => question.form), score, again);

            const sum = () => {
                const right = questions.filter(question => question.isRight);
                const first = right.filter(question => question.tries === 1);
                score.replaceChildren(say(words => words.score(questions.length, right.length, first.length)));
                again.hidden = false;
            };
            this.addEventListener('quiz-checked', sum);
            if (questions.filter(question => question.recall()).length > 0) {
                sum();
            }
            again.addEventListener('click', () => {
                questions.forEach(question => { question.start(); question.keep(null); });
                score.replaceChildren();
                again.hidden = true;
                this.querySelector('input').focus();
            });
        }
    }

    // One question, made of its list item in each language.
    class Question {
        constructor(number, items, say) {
            this.number = number;
            this.say = say;
            const answers = items.map(item => [...item.querySelector('ul').children]);
            const several = answers[0].filter(answer => answer.querySelector('input').checked).length > 1;
            this.answers = answers[0].map((_, n) => {
                return new Answer(String.fromCharCode(65 + n), answers.map(list => list[n]), several, say);
            });
            const text = say((_, i) => [...items[i].querySelector('p').childNodes]);
            this.verdict = element('div', { className: 'quiz-verdict' });
            this.verdict.setAttribute('role', 'status');
            this.form = element('form', { className: 'quiz-question' },
                element('fieldset', {},
                    element('legend', {}, element('span', { className: 'quiz-number' }, `${number}. `), text),
                    ...several ? [element('p', { className: 'quiz-several' }, say(words => words.several))] : [],
                    ...this.answers.map(answer => answer.row)),
                element('button', { className: 'quiz-check' }, say(words => words.check)),
                this.verdict);
            this.form.addEventListener('change', () => this.forget());
            this.form.addEventListener('submit', event => {
                event.preventDefault();
                this.check();
            });
            this.start();
        }

        start() {
            this.form.reset();
            this.forget();
            this.isRight = false;
            this.tries = 0;
        }

        forget() {
            this.verdict.replaceChildren();
            this.answers.forEach(({ row }) => delete row.dataset.verdict);
        }

        check() {
            this.forget();
            const chosen = this.answers.filter(answer => answer.input.checked);
            if (chosen.length === 0) {
                this.verdict.append(element('p', {}, this.say(words => words.none)));
                return;
            }
            this.tries += 1;
            this.judge(chosen);
            this.keep({ chosen: chosen.map(answer => this.answers.indexOf(answer)), tries: this.tries, isRight: this.isRight });
            this.form.dispatchEvent(new CustomEvent('quiz-checked', { bubbles: true }));
        }

        judge(chosen) {
            this.isRight = this.answers.every(answer => answer.input.checked === answer.isRight);
            this.verdict.append(...chosen.map(answer => answer.explain()));
            if (!this.isRight && chosen.every(answer => answer.isRight)) {
                this.verdict.append(element('p', {}, this.say(words => words.partly)));
            }
        }

        // The browser keeps what was answered. Whether it had something.
        keep(answer) {
            workbookProgress.keepAnswer(this.number, answer);
        }
        recall() {
            const kept = workbookProgress.answer(this.number);
            const chosen = kept?.chosen.map(index => this.answers[index]).filter(Boolean) ?? [];
            if (chosen.length > 0) {
                chosen.forEach(answer => { answer.input.checked = true; });
                this.tries = kept.tries;
                this.judge(chosen);
            }
            return chosen.length > 0;
        }
    }

    // One answer, made of its list item in each language: a paragraph with the tick, and those that explain it.
    class Answer {
        constructor(letter, items, several, say) {
            this.letter = letter;
            this.say = say;
            this.isRight = items[0].querySelector('input').checked;
            items.forEach(item => item.querySelector('input').remove());
            const [texts, explanations] = [0, 1].map(part => items.map(item => item.querySelectorAll('p')[part]));
            this.explanations = explanations;
            this.input = element('input', { type: several ? 'checkbox' : 'radio', name: 'answer' });
            this.row = element('label', { className: 'quiz-answer' }, this.input,
                element('span', { className: 'quiz-letter' }, letter), say((_, i) => [...texts[i].childNodes]));
        }

        explain() {
            const verdict = this.isRight ? 'right' : 'wrong';
            this.row.dataset.verdict = verdict;
            const reason = this.say((words, i) => {
                return [element('strong', {}, words[verdict]), ...this.explanations[i].cloneNode(true).childNodes];
            });
            const line = element('p', {}, element('span', { className: 'quiz-letter' }, this.letter), reason);
            line.dataset.verdict = verdict;
            return line;
        }
    }

    customElements.define('workbook-quiz', WorkbookQuiz);
})();
