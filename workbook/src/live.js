// Added to each page that `cargo workbook serve` serves: shows the newest build, or why there is none.
(() => {
    const news = new EventSource('/workbook/news');
    news.addEventListener('built', () => location.reload());
    news.addEventListener('failed', event => {
        let box = document.getElementById('workbook-failed');
        if (!box) {
            box = document.createElement('pre');
            box.id = 'workbook-failed';
            box.setAttribute('role', 'alert');
            document.querySelector('main').before(box);
        }
        box.textContent = event.data;
    });
    addEventListener('beforeunload', () => news.close());
})();
