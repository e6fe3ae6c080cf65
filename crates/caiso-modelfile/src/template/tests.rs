use caiso_core::Severity;

use super::judge;

fn worst(text: &str) -> Option<Severity> {
    judge(text).all.into_iter().map(|suspicion| suspicion.severity).max()
}

/// In the manner of the templates that models are published with.
const REAL: [&str; 9] = [
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token}}{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}",
    "{%- if messages[0]['role'] == 'system' -%}{%- set system_message = messages[0]['content']|trim -%}{%- set loop_messages = messages[1:] -%}{%- else -%}{%- set loop_messages = messages -%}{%- endif -%}{%- if not date_string is defined %}{%- set date_string = strftime_now(\"%d %b %Y\") %}{%- endif %}{%- for t in tools %}{{- t | tojson(indent=4) }}{%- endfor %}",
    "{%- set ns = namespace(found=false, last=-1) -%}{%- for m in messages[::-1] -%}{%- if m.role == 'user' and not ns.found -%}{%- set ns.found = true -%}{%- set ns.last = loop.index0 -%}{%- endif -%}{%- endfor -%}{{ ns.last }}",
    "{%- macro render(param) -%}{%- if param.type is string -%}{{ param.type }}{%- elif param.type is iterable and param.type is not mapping -%}{{ param.type | join(' | ') }}{%- endif -%}{%- endmacro -%}{%- for tool in tools -%}{{ render(tool.function.parameters) }}{%- for name, p in tool.function.parameters.properties.items() -%}{{ name ~ ': ' ~ render(p) }}{{ ', ' if not loop.last }}{%- endfor -%}{%- endfor -%}",
    "{%- for message in messages | selectattr('role', 'equalto', 'user') | list -%}{%- if message.content is string -%}{% generation %}{{ message.content.split('</think>')[-1].lstrip('\\n') }}{% endgeneration %}{%- else -%}{%- for part in message.content -%}{%- if part.type in ('image', 'image_url') or 'image' in part -%}<image>{%- endif -%}{%- endfor -%}{%- endif -%}{%- endfor -%}",
    "{{- '<tools>\\n' }}{%- if tool_call.arguments is not none and tool_call.arguments|length > 0 %}{{- {\"name\": tool_call.name, \"arguments\": tool_call.arguments} | tojson }}{%- endif %}{# a comment {{ __class__ }} #}{% raw %}{{ __class__ }}{% endraw %}",
    "{%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}{%- set content = message.content if message.content is not none else '' %}{{ content.startswith('<tool_response>') and not content.endswith('</tool_response>') }}",
    "{% set x = 1.5 * 2 %}{% set role = 'User' if message.role == 'user' else 'Assistant' %}{{ role ~ ': ' ~ message.content | replace('a', 'b') | upper }}{{ messages[loop.index0 - 1].role }}{% break %}",
];

#[test]
fn templates_of_real_models_are_clean() {
    for template in REAL {
        assert_eq!(judge(template).all, [], "{template}");
    }
}

/// Each reaches `__class__`, `__globals__` or a call by another way.
const ESCAPES: [&str; 32] = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{% for x in ().__class__.__base__.__subclasses__() %}{% if 'warning' in x.__name__ %}{{ x()._module.__builtins__['__import__']('os').popen('id') }}{% endif %}{% endfor %}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ self._TemplateReference__context.cycler.__init__.__globals__ }}",
    "{{ lipsum['__globals__']['os'] }}",
    r"{{ lipsum['\x5f\x5fglobals\x5f\x5f'] }}",
    r"{{ lipsum['\u005f\u005fglobals\u005f\u005f'] }}",
    r"{{ lipsum['\137\137globals\137\137'] }}",
    r"{{ lipsum['\N{LOW LINE}_globals__'] }}",
    "{{ x['__cl' 'ass__'] }}",
    "{{ x['__cl' ~ 'ass__'] }}",
    "{{ x['__cl' + 'ass__'] }}",
    "{{ x['__%s__' % 'class'] }}",
    "{{ x['%c%cclass%c%c' % (95, 95, 95, 95)] }}",
    "{{ x['{0}{0}class{0}{0}'.format('_')] }}",
    "{{ x['__ssalc__'[::-1]] }}",
    "{{ x['__ssalc__'|reverse] }}",
    "{{ x[['__cl', 'ass__']|join] }}",
    "{{ x[''.join(['__cl', 'ass__'])] }}",
    "{{ x['--class--'|replace('-', '_')] }}",
    "{{ x['__CLASS__'|lower] }}",
    "{{ x[dict(__cl=1, ass__=2)|join] }}",
    "{% set a = '__cl' %}{% set b = 'ass__' %}{{ x[a ~ b] }}",
    "{% set a %}__cl{% endset %}{{ x[a ~ 'ass__'] }}",
    "{% set n = namespace(a='__cl') %}{{ x[n.a ~ 'ass__'] }}",
    "{{ x|attr('__class__') }}",
    "{{ x|attr('__cl' ~ 'ass__') }}",
    "{{ x|attr(messages[0].content) }}",
    "{{ xs|map(attribute='__class__')|list }}",
    "{{ xs|map('attr', '__class__')|list }}",
    "{{ '{0.__class__.__init__}'.format(x) }}",
    "{{ x['_' ~ y ~ '_'] }}",
];

#[test]
fn every_way_to_the_interpreter_is_seen() {
    for template in ESCAPES {
        assert!(worst(template) >= Some(Severity::High), "{template}: {:?}", judge(template));
    }
}

#[test]
fn what_cannot_be_read_is_searched() {
    for template in
        ["{{ x.__class__", "{% nonsense %}{{ a b c.__class__ }}", "{{ 'x }} __class__ {{ '"]
    {
        assert!(worst(template) >= Some(Severity::High), "{template}: {:?}", judge(template));
    }
    assert_eq!(worst("{% nonsense %}"), Some(Severity::Medium));
    // No letter of a name in Jinja, however much it looks like one.
    assert_eq!(worst("{{ x.\u{ff3f}\u{ff3f}class\u{ff3f}\u{ff3f} }}"), Some(Severity::Medium));
    let deep = format!("{{{{ {}x{} }}}}", "(".repeat(10_000), ")".repeat(10_000));
    assert_eq!(worst(&deep), Some(Severity::Medium));
    assert!(worst(&"{{ not ".repeat(50_000)).is_some());
    assert!(worst(&format!("{{{{ {} }}}}", "not ".repeat(50_000))).is_some());
}

#[test]
fn oddities_are_graded() {
    assert_eq!(worst("{{ frobnicate(x) }}"), Some(Severity::Low));
    assert_eq!(worst("{{ x|frobnicate }}"), Some(Severity::Low));
    assert_eq!(worst("{% include 'x' %}"), Some(Severity::High));
    assert_eq!(worst("{{ lipsum() }}"), Some(Severity::Medium));
    assert_eq!(worst("{% for i in range(999999999) %}{% endfor %}"), Some(Severity::Medium));
    assert_eq!(worst("{{ open('/etc/passwd').read() }}"), Some(Severity::High));
    assert_eq!(worst("{{ x.os.system('id') }}"), Some(Severity::High));
}

proptest::proptest! {
    #[test]
    fn no_text_is_too_much(text in "[ -~{}%#|_'\"\\\\]{0,200}") {
        judge(&text);
        judge(&format!("{{{{ {text} }}}}"));
        judge(&format!("{{% set x = {text} %}}"));
    }
}
