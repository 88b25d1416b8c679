/** One of a few: buttons that look like one, of which one is pressed. */
export function Pick<T extends string>(props: {
  label: string
  value: T
  options: readonly { readonly value: T; readonly label: string; readonly disabled?: string | null }[]
  pick: (value: T) => void
}) {
  return (
    <fieldset class="pick">
      <legend class="visually-hidden">{props.label}</legend>
      {props.options.map(({ value, label, disabled }) => (
        <button
          key={value}
          type="button"
          aria-pressed={value === props.value}
          disabled={Boolean(disabled)}
          title={disabled ?? undefined}
          onClick={() => props.pick(value)}
        >
          {label}
        </button>
      ))}
    </fieldset>
  )
}
