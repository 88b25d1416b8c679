/** What the drawing tells, as a table. */
import type { Overview, TopologyView } from '../../../contract.ts'
import { count, rate } from '../../format.ts'
import { Foreign } from '../parts.tsx'
import { Scroll } from '../scroll.tsx'
import { factsOf, KIND_WORDS, lagOfNode, rateOfNode } from './node-facts.ts'

export const FlowTable = ({ topology, overview }: { topology: TopologyView; overview: Overview | null }) => (
  <Scroll label="Parts of the topology">
    <table>
      <caption class="visually-hidden">Parts of the topology and what flows through them now</caption>
      <thead>
        <tr>
          <th scope="col">Part</th>
          <th scope="col">Kind</th>
          <th scope="col" class="right">
            Rate
          </th>
          <th scope="col" class="right">
            Lag
          </th>
          <th scope="col">Connected with</th>
        </tr>
      </thead>
      <tbody>
        {topology.drawing.nodes.map((node) => {
          const perSecond = overview && rateOfNode(node, overview)
          const lag = overview && lagOfNode(node, overview)
          return (
            <tr key={node.id}>
              <th scope="row">
                <Foreign text={node.label} />
              </th>
              <td>{KIND_WORDS[node.kind]}</td>
              <td class="right number">{perSecond === null ? '' : rate(perSecond)}</td>
              <td class="right number">{lag === null ? '' : count(lag)}</td>
              <td>
                {factsOf(node, topology, null).map(({ name, value }) => (
                  <span key={name} class="connected">
                    <span class="soft">{name}</span> <Foreign text={value} />{' '}
                  </span>
                ))}
              </td>
            </tr>
          )
        })}
      </tbody>
    </table>
  </Scroll>
)
