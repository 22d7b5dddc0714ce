{% parameters value: String %}
const a = {{ value }};
const b = '{{ value }}' + `${{{ value }}}`;
