// The page of all queues: the board, and what stands around it.

import '/workbook/board.js';

const words = workbookWords.board;
document.title = document.querySelector('h1').textContent = words.title;
document.getElementById('about').textContent = words.about;
document.getElementById('back').textContent = words.back;
