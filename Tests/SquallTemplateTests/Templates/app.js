{% parameters name: String %}
const name = {{ name }};
